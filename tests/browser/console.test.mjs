// The operators' console: signing in, a consent's story, an act with its confirmation, the funnel, in both
// languages, and what an auditor does not see.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { look } from './bench/look.mjs';
import { startChromium, visit } from './bench/visit.mjs';

const BANK = '2963';

const titleOf = (page) => page.locator('h1#title').innerText();

async function signIn(page, demo, operator) {
  await page.goto(`${demo.addresses.operators}/console`);
  await page.locator('#login-form-operator').fill(operator.id);
  await page.locator('#login-form-password').fill(operator.password);
  await page.locator('#login-form-submit').click();
  await page.locator('#banks').waitFor();
}

const openSection = async (page, name) => {
  await page.locator(`#section-${name}`).click();
  await page.locator(`#section-${name}[aria-current=page]`).waitFor();
};

test("the operators' console", async (t) => {
  const demo = await startDemo(t, 'console');
  const browser = await startChromium(t);
  const origins = [demo.addresses.operators];
  const ofRole = (role) => demo.operators.find((operator) => operator.role === role);
  const [operator, auditor] = ['operator', 'auditor'].map(ofRole);

  const see = (what, options, walk) =>
    t.test(what, () => visit(browser, { name: what.replaceAll(' ', '-'), origins, ...options }, walk));

  await see('an operator suspends a consent', {}, async (page) => {
    await page.goto(`${demo.addresses.operators}/console`);
    await look(page, '70-console-login');
    await signIn(page, demo, operator);
    await look(page, '71-console-banks');
    await page.locator(`#banks-${BANK} a`).click();
    await page.locator('#consents').waitFor();
    await look(page, '72-console-consents');
    await page.locator('#consents tbody tr a').first().click();
    await page.locator('#story').waitFor();
    await look(page, '73-console-consent');
    await page.locator('#act-suspend').click();
    await page.locator('#act-form-submit').click();
    await page.locator('#problems').waitFor();
    await look(page, '74-console-act-missing');
    await page.locator('#act-form-reason').selectOption('suspected_fraud');
    await page.locator('#act-form-confirm').check();
    await page.locator('#act-form-submit').dblclick();
    await page.locator('#said').waitFor();
    assert.match(await page.locator('#state').innerText(), /停止中/);
    assert.equal(await page.locator('#story > li').count(), await page.locator('#story > li time').count());
    await look(page, '75-console-consent-suspended');
    for (const [section, number] of [
      ['journeys', 76],
      ['revocations', 77],
      ['affected', 78],
      ['partners', 79],
      ['acts', 80],
    ]) {
      await openSection(page, section);
      await look(page, `${number}-console-${section}`);
    }
    await page.locator('#sign-out').click();
    await page.locator('#login-form').waitFor();
  });

  await see('the funnel once the log is counted', {}, async (page) => {
    await signIn(page, demo, operator);
    await page.locator(`#banks-${BANK} a`).click();
    await openSection(page, 'funnel');
    // The sweeper counts within seconds.
    for (let tries = 0; tries < 40 && (await page.locator('#steps-plot').count()) === 0; tries += 1) {
      await page.waitForTimeout(500);
      await page.reload();
    }
    const rows = await page.locator('#steps-figures tbody tr').count();
    assert.equal(rows, 7);
    await look(page, '81-console-funnel');
  });

  await see('an auditor in English sees no acts', { locale: 'en-GB' }, async (page) => {
    await signIn(page, demo, auditor);
    assert.equal(await titleOf(page), 'Choose a bank');
    await page.locator(`#banks-${BANK} a`).click();
    await page.locator('#consents tbody tr a').first().click();
    await page.locator('#story').waitFor();
    assert.equal(await page.locator('#acts').count(), 0);
    await look(page, '82-console-consent-en', 'en');
    const address = page.url();
    await page.locator('#language-ja').click();
    assert.equal(page.url(), address);
    assert.equal(await page.locator('html').getAttribute('lang'), 'ja');
  });
});
