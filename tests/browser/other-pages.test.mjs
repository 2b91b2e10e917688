// The pages off the example's way: what the customer reads where something is refused, locked,
// closed, over or not there; and other customers' tables.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { look } from './bench/look.mjs';
import { closeBank } from './bench/sandbox.mjs';
import {
  ACCOUNTS,
  BANK,
  SUBMIT,
  WRONG_PIN,
  allow,
  arriveAt,
  chooseTasks,
  fillAccounts,
  logIn,
  pickBank,
  rowOf,
  submit,
  titleOf,
  typeLogin,
  walkTo,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

const errorOf = (page) => page.locator('main').getAttribute('data-error');

test('the other pages', async (t) => {
  const demo = await startDemo(t, 'other-pages');
  const browser = await startChromium(t);
  const { customer, addresses } = demo;
  const origins = originsOf(demo);
  const { issuer } = demo.bank(BANK);

  const see = (what, walk) =>
    t.test(what, () => visit(browser, { name: what.replaceAll(' ', '-'), origins }, walk));

  await see('what leads nowhere', async (page) => {
    const unknownRequest = new URLSearchParams({
      client_id: demo.partners.A.client_id,
      request_uri: `urn:ietf:params:oauth:request_uri:${'x'.repeat(43)}`,
    });
    const pages = [
      [`${issuer}/authorize`, 'invalid_request', '40-invalid-request'],
      [`${issuer}/authorize?${unknownRequest}`, 'request_expired', '41-request-expired'],
      [`${addresses.consent}/nowhere`, 'not_found', '42-not-found'],
      [
        `${issuer}/journeys/00000000-0000-4000-8000-000000000000/login`,
        'journey_not_found',
        '43-journey-not-found',
      ],
      [`${addresses.partner_app}/nowhere`, 'not_found', '44-partner-not-found'],
      [`${addresses.partner_app}/callback?code=x&state=x`, 'invalid_state', '45-partner-invalid-state'],
    ];
    for (const [url, code, name] of pages) {
      await page.goto(url);
      assert.equal(await errorOf(page), code);
      await look(page, name);
    }
  });

  await see('a form that is not accepted', async (page, context) => {
    await pickBank(page, demo);
    await typeLogin(page, customer);
    await context.clearCookies();
    await page.locator(SUBMIT.login).click();
    await page.locator('[data-error]').waitFor();
    assert.equal(await errorOf(page), 'cookies_required');
    await look(page, '46-cookies-required');

    await pickBank(page, demo);
    await typeLogin(page, customer);
    await page.locator('#login-form [name=form_key]').evaluate((key) => (key.value = 'x'));
    await page.locator(SUBMIT.login).click();
    await page.locator('[data-error]').waitFor();
    assert.equal(await errorOf(page), 'form_not_accepted');
    await look(page, '47-form-not-accepted');
  });

  await see('what a login can come to', async (page) => {
    await pickBank(page, demo);
    const login = page.url();
    await page.locator('#login-form').evaluate((form) => (form.noValidate = true));
    await page.locator(SUBMIT.login).click();
    await page.locator('#problems').waitFor();
    await look(page, '48-login-missing');
    for (const message of ['locked', 'stopped', 'password_change_due', 'certificate_required']) {
      await page.goto(`${login}?m=${message}`);
      await page.locator('#problems').waitFor();
      if (message === 'locked') await look(page, '49-login-locked');
    }
    await page.goto(`${login}?m=idle`);
    await look(page, '50-login-idle');
  });

  await see('a bank that is closed or down', async (page) => {
    for (const [reason, code, name] of [
      ['hours', 'bank_closed', '51-bank-closed'],
      ['maintenance', 'bank_maintenance', '52-bank-maintenance'],
    ]) {
      await pickBank(page, demo);
      const closed = await closeBank(demo, BANK, reason);
      await typeLogin(page, customer);
      await page.locator(SUBMIT.login).click();
      await page.locator('[data-error]').waitFor();
      await closed.open();
      assert.equal(await errorOf(page), code);
      await look(page, name);
    }
    await page.locator('#partner').click();
    await page.locator('[data-error=temporarily_unavailable]').waitFor();
    await look(page, '53-partner-temporarily-unavailable');
  });

  await see('nothing to link, a locked PIN, a cancelled journey', async (page) => {
    await walkTo(page, demo, 'accounts');
    await page.goto(`${page.url()}?m=resumed`);
    await look(page, '54-accounts-resumed');

    for (const guess of ['1357', '2468', '3579', '4680', '5791', '6802']) {
      await fillAccounts(page, {
        [ACCOUNTS.mistyped]: { tick: true, pin: guess },
        [ACCOUNTS.linked]: { tick: false, pin: '' },
      });
      await submit(page, 'accounts', 'confirm');
      if (guess === '1357') await look(page, '55-confirm-nothing-linked');
      await page.locator('#retry').click();
      await arriveAt(page, 'accounts');
    }
    await page.locator('#remarks').waitFor();
    assert.match(await page.locator('#remarks').innerText(), /ロック/);
    await look(page, '56-accounts-pin-locked');

    await page.locator('#cancel').click();
    await page.waitForURL(/\/callback\?.*error=access_denied/);
    await look(page, '57-partner-access-denied');
  });

  await see('the end pages', async (page) => {
    const callback = `${addresses.partner_app}/callback?**`;
    await page.route(callback, (route) => route.fulfill({ status: 204 }));
    // Before a login nothing leads on by itself.
    await pickBank(page, demo);
    await page.locator('#cancel').click();
    await page.waitForURL('**/done');
    await look(page, '58-done-cancelled-before-login');
    await page.unroute(callback);
    await page.locator('#continue').click();
    assert.equal(await errorOf(page), 'access_denied');
  });

  await see('a customer with other accounts, twice', async (page) => {
    const other = { login_id: 'dantai02', password: 'Rokin2027', pin: '7153' };
    await pickBank(page, demo);
    await logIn(page, other);
    await chooseTasks(page);
    await look(page, '59-accounts-other-customer');
    const boxes = page.locator('#accounts tbody tr', { has: page.locator('input:enabled') });
    for (const row of await boxes.all()) {
      await row.getByRole('checkbox').check();
      await row.locator('input[type=password]').fill(other.pin);
    }
    await submit(page, 'accounts', 'confirm');
    await submit(page, 'confirm', 'authorize');
    await look(page, '60-authorize-other-customer');
    const authorize = page.url();
    await allow(page);
    await page.goto(authorize);
    assert.equal(await titleOf(page), '手続きは完了しています');
    await look(page, '61-completed');
    await page.goto(`${addresses.partner_app}/accounts`);
    await look(page, '62-partner-accounts-other-customer');
  });
});
