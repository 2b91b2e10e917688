// The example for a customer whose browser asks for English; and the switch from page to page.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { look } from './bench/look.mjs';
import {
  allow,
  arriveAt,
  chooseTasks,
  exampleRows,
  fillAccounts,
  logIn,
  pickBank,
  submit,
  titleOf,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

test('the example in English', async (t) => {
  const demo = await startDemo(t, 'english');
  const browser = await startChromium(t);
  const { customer } = demo;
  const options = { name: 'english', origins: originsOf(demo), locale: 'en-US' };

  await visit(browser, options, async (page) => {
    await page.goto(demo.addresses.partner_app);
    await look(page, '60-english-partner-home', 'en');
    await page.goto(`${demo.addresses.partner_app}/banks`);
    await look(page, '60-english-partner-banks', 'en');
    await pickBank(page, demo);
    assert.equal(await titleOf(page), 'API linkage: Log in');
    assert.equal(await page.locator('.bank-name').innerText(), 'Chuo Labour Bank (corporate)');
    await look(page, '60-english-login', 'en');

    // To Japanese and back: the step stays.
    await page.getByRole('link', { name: '日本語' }).click();
    await arriveAt(page, 'login');
    assert.equal(await titleOf(page), 'API連携認証（利用登録）');
    await page.getByRole('link', { name: 'English' }).click();
    await arriveAt(page, 'login');

    await logIn(page, customer);
    assert.equal(await page.locator('#access').innerText(), 'Balance inquiry, Transaction inquiry');
    await look(page, '61-english-tasks', 'en');
    await chooseTasks(page);
    await look(page, '62-english-accounts', 'en');
    await fillAccounts(page, exampleRows(customer));
    await submit(page, 'accounts', 'confirm');
    await look(page, '63-english-confirm', 'en');
    await submit(page, 'confirm', 'authorize');
    assert.match(await page.locator('.consent').innerText(), /[A-Z][a-z]+ \d+, \d{4}, 23:59 \(Japan time\)/);
    await look(page, '64-english-authorize', 'en');
    await allow(page);
    await look(page, '65-english-partner-import', 'en');
    await page.locator('#import-submit').click();
    await page.waitForURL(/\/accounts\?saved=/);
    await look(page, '66-english-partner-accounts', 'en');
    await page.locator('#linked-accounts a.button').first().click();
    await page.locator('#transactions').waitFor();
    await look(page, '67-english-partner-statement', 'en');
  });
});
