// Everything works in a browser that runs no script.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import * as procedure from './bench/procedure.mjs';
import {
  ACCOUNTS,
  SUBMIT,
  arriveAtPartner,
  chooseTasks,
  exampleRows,
  fillAccounts,
  logIn,
  pickBank,
  readTable,
  submit,
  titleOf,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

test('the whole example without script', async (t) => {
  const demo = await startDemo(t, 'without-script');
  const browser = await startChromium(t);
  const { customer } = demo;
  const options = { name: 'without-script', origins: originsOf(demo), javaScriptEnabled: false };

  await visit(browser, options, async (page) => {
    await pickBank(page, demo);
    await logIn(page, customer);
    await chooseTasks(page);
    await fillAccounts(page, exampleRows(customer));
    assert.deepEqual(await readTable(page), procedure.table(4));
    await submit(page, 'accounts', 'confirm');
    assert.deepEqual(await readTable(page), procedure.table(5));
    await submit(page, 'confirm', 'authorize');
    await page.locator('#agree').check();
    await page.locator(SUBMIT.authorize).click();
    // The end page switches by itself.
    await arriveAtPartner(page);
    assert.equal(await titleOf(page), '金融機関と口座連携');
    await page.locator('#range-all').check();
    await page.locator('#import-submit').click();
    await page.waitForURL(/\/accounts\?saved=/);
    const rows = page.locator('#linked-accounts tr[data-account]');
    assert.equal(await rows.count(), 2);
    const first = rows.filter({ hasText: '5000000' });
    await first.getByRole('link', { name: `${ACCOUNTS.first}の明細を見る` }).click();
    assert.ok((await page.locator('#transactions tbody tr').count()) > 5);
  });
});
