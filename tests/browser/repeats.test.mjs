// Impatient and hesitant customers: double clicks, reloads, the back button, a second tab. Each
// ends in the right place, without an error page, and with one linkage.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import * as procedure from './bench/procedure.mjs';
import {
  ACCOUNTS,
  BANK,
  SUBMIT,
  allow,
  arriveAt,
  arriveAtPartner,
  chooseTasks,
  fillAccounts,
  linkedRows,
  logIn,
  pickBank,
  rowOf,
  submit,
  titleOf,
  typeLogin,
  walkTo,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

const STEPS = ['login', 'tasks', 'accounts', 'confirm', 'authorize'];
const title = (step) => procedure.title(STEPS.indexOf(step) + 2);

const noErrorPage = async (page) => assert.equal(await page.locator('[data-error]').count(), 0);

/** The partner has one linkage, with these accounts. */
async function assertOneLinkage(page, demo, accounts) {
  await page.goto(demo.addresses.partner_app);
  assert.equal(await page.locator('[data-linkage]').count(), 1);
  await page.goto(`${demo.addresses.partner_app}/accounts`);
  const labels = await page.locator('#linked-accounts tr[data-account] th').allInnerTexts();
  assert.deepEqual(
    labels.map((label) => label.replace(/\s+/g, ' ').trim()),
    accounts,
  );
}

/** 1000014 alone. */
const onlyLinked = ({ pin }) => ({
  [ACCOUNTS.first]: { tick: false, pin: '' },
  [ACCOUNTS.linked]: { tick: true, pin },
});

/** Fills a step's form, without sending it. */
async function fill(page, step, customer) {
  if (step === 'login') await typeLogin(page, customer);
  if (step === 'accounts') await fillAccounts(page, linkedRows(customer));
  if (step === 'authorize') await page.locator('#agree').check();
}

/**
 * Clicks a button twice while the service behind it is held up, so that both forms reach it, and
 * lets it go on.
 */
async function clickTwice(page, selector, held) {
  try {
    const button = page.locator(selector);
    await button.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await button.boundingBox();
    for (let click = 1; click <= 2; click += 1) {
      await Promise.all([
        page.waitForRequest((request) => request.method() === 'POST'),
        page.mouse.click(x + width / 2, y + height / 2),
      ]);
    }
  } finally {
    held.resume();
  }
}

/** Saves everything at the partner's step 7. */
async function save(page) {
  await arriveAtPartner(page);
  await page.locator('#range-all').check();
  await page.locator('#import-submit').click();
  await page.waitForURL(/\/accounts\?saved=/);
}

test('repeats', async (t) => {
  const demo = await startDemo(t, 'repeats');
  const browser = await startChromium(t);
  const { customer } = demo;
  const origins = originsOf(demo);
  const linked = [ACCOUNTS.first, ACCOUNTS.linked];

  /** A test in a browser profile of its own. */
  const customerWho = (does, walk) =>
    t.test(`a customer who ${does}`, () =>
      visit(browser, { name: does.replaceAll(' ', '-'), origins }, walk),
    );

  await customerWho('clicks every button twice', async (page) => {
    await page.goto(`${demo.addresses.partner_app}/banks`);
    await clickTwice(page, `#link-${BANK}-submit`, demo.pause('partner-app'));
    for (const [index, step] of STEPS.entries()) {
      await arriveAt(page, step);
      assert.equal(await titleOf(page), procedure.title(index + 2));
      await fill(page, step, customer);
      await clickTwice(page, SUBMIT[step], demo.pause('consent'));
    }
    await arriveAtPartner(page);
    await page.locator('#range-all').check();
    await clickTwice(page, '#import-submit', demo.pause('partner-app'));
    await page.waitForURL(/\/accounts\?saved=/);
    await assertOneLinkage(page, demo, linked);
  });

  await customerWho('reloads every page', async (page) => {
    await pickBank(page, demo);
    for (const step of STEPS) {
      await arriveAt(page, step);
      await page.reload();
      assert.equal(await titleOf(page), title(step));
      await fill(page, step, customer);
      await page.locator(SUBMIT[step]).click();
    }
    await arriveAtPartner(page);
    await page.reload();
    await save(page);
    await page.reload();
    await assertOneLinkage(page, demo, linked);
  });

  await customerWho('goes back from every page and sends its form again', async (page) => {
    await pickBank(page, demo);
    for (const [index, step] of STEPS.entries()) {
      await fill(page, step, customer);
      await page.locator(SUBMIT[step]).click();
      const next = STEPS[index + 1];
      if (next === undefined) break;
      await arriveAt(page, next);
      await page.goBack();
      await noErrorPage(page);
      // After the login its page leads on by itself.
      if (step === 'login') await arriveAt(page, next);
      else {
        assert.equal(await titleOf(page), title(step));
        await fill(page, step, customer);
        await page.locator(SUBMIT[step]).click();
        await arriveAt(page, next);
      }
    }
    await save(page);
    await assertOneLinkage(page, demo, linked);
  });

  await customerWho('goes back to choose other accounts', async (page) => {
    await walkTo(page, demo, 'authorize');
    await page.locator('#back').click();
    await arriveAt(page, 'accounts');
    await fillAccounts(page, onlyLinked(customer));
    await submit(page, 'accounts', 'confirm');
    await submit(page, 'confirm', 'authorize');
    await allow(page);
    await page.locator('#range-all').check();
    await page.locator('#import-submit').click();
    await assertOneLinkage(page, demo, [ACCOUNTS.linked]);
  });

  await customerWho('goes on in a second tab and returns to the first', async (page, context) => {
    await walkTo(page, demo, 'accounts');
    const second = await context.newPage();
    await second.goto(page.url());
    assert.equal(await titleOf(second), title('accounts'));
    await fillAccounts(second, linkedRows(customer));
    await submit(second, 'accounts', 'confirm');

    // The first tab's page is older than what the second has sent: its choice reaches nobody.
    await fillAccounts(page, onlyLinked(customer));
    await page.locator(SUBMIT.accounts).click();
    await arriveAt(page, 'confirm');
    assert.match(await page.locator('.notice').innerText(), /別の画面で内容が変更されました/);
    assert.match(await rowOf(page, ACCOUNTS.first).innerText(), /登録済み\*/);

    await submit(second, 'confirm', 'authorize');
    await submit(page, 'confirm', 'authorize');
    await allow(second);
    await page.locator('#agree').check();
    await page.locator(SUBMIT.authorize).click();
    await noErrorPage(page);
    await save(second);
    await assertOneLinkage(second, demo, linked);
  });

  await customerWho('picks the bank again in a second tab', async (page, context) => {
    await walkTo(page, demo, 'accounts');
    const second = await context.newPage();
    await second.goto(`${demo.addresses.partner_app}/banks`);
    await second.locator(`#link-${BANK}-submit`).click();
    await arriveAt(second, 'accounts');
    assert.equal(second.url(), page.url(), 'the journey goes on where it was');
  });

  await t.test('two people of a 団体 who change its linkage at the same time', () =>
    visit(browser, { name: 'two-people', origins }, (page) =>
      visit(browser, { name: 'two-people-other', origins }, async (other) => {
        await walkTo(other, demo, 'authorize');
        await walkTo(page, demo, 'authorize', onlyLinked(customer));
        await allow(page);
        // What the other one was about to change has changed: step 5 says so, and goes on.
        await other.locator('#agree').check();
        await other.locator(SUBMIT.authorize).click();
        await arriveAt(other, 'confirm');
        await noErrorPage(other);
        await submit(other, 'confirm', 'authorize');
        await allow(other);
      }),
    ),
  );

  await customerWho('goes back after the end', async (page) => {
    await walkTo(page, demo, 'authorize');
    const authorize = page.url();
    const done = authorize.replace(/authorize$/, 'done');
    let callback;
    page.on('request', (request) => {
      if (request.url().includes('/callback?')) callback = request.url();
    });
    await allow(page);
    const arrived = page.url();

    await page.goto(callback);
    assert.equal(page.url(), arrived, 'a redirect that is loaded again leads to the same page');
    for (const step of STEPS) {
      await page.goto(authorize.replace(/authorize$/, step));
      await noErrorPage(page);
      assert.equal(page.url(), done, step);
      assert.equal(await titleOf(page), '手続きは完了しています');
    }
    await page.goto(arrived);
    await page.goBack();
    await noErrorPage(page);
    await page.goto(arrived);
    await save(page);
    await assertOneLinkage(page, demo, linked);
  });

  await customerWho('cancels twice', async (page) => {
    await walkTo(page, demo, 'accounts');
    const accounts = page.url();
    await page.locator('#cancel').dblclick();
    await page.waitForURL(/\/callback\?.*error=access_denied/);
    assert.equal(await page.locator('main').getAttribute('data-error'), 'access_denied');
    await page.goto(accounts);
    await page.waitForURL(/\/callback\?.*error=access_denied/);
    assert.equal(await titleOf(page), '口座連携は完了していません');
  });

  await customerWho('declines', async (page) => {
    await walkTo(page, demo, 'authorize');
    await page.locator('#decline').dblclick();
    await page.waitForURL(/\/callback\?.*error=access_denied/);
    assert.equal(await titleOf(page), '口座連携は完了していません');
  });
});
