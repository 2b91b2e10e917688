// The whole example with the keyboard alone; at every stop one sees where one is.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { enter, tabTo, tick, type } from './bench/keyboard.mjs';
import * as procedure from './bench/procedure.mjs';
import {
  ACCOUNTS,
  BANK,
  SUBMIT,
  arriveAt,
  arriveAtPartner,
  exampleRows,
  readTable,
  rowOf,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

test('the whole example with the keyboard', async (t) => {
  const demo = await startDemo(t, 'keyboard');
  const browser = await startChromium(t);
  const { customer, addresses } = demo;

  await visit(browser, { name: 'keyboard', origins: originsOf(demo) }, async (page) => {
    await page.goto(addresses.partner_app);
    await enter(page, '#start-linking');
    await page.waitForURL('**/banks');
    await enter(page, `#link-${BANK}-submit`);
    await arriveAt(page, 'login');

    // The first stop skips what every page begins with.
    assert.equal((await tabTo(page, '.skip-link')).length, 1);
    await page.keyboard.press('Enter');
    await type(page, '#login_id', customer.login_id);
    await type(page, '#password', customer.password);
    await page.keyboard.press('Enter');
    await arriveAt(page, 'tasks');

    await tick(page, '#task-balance');
    assert.equal(await page.locator('#task-balance').isChecked(), false);
    await page.keyboard.press('Space');
    assert.equal(await page.locator('#task-balance').isChecked(), true);
    await tabTo(page, '#task-transactions');
    await enter(page, SUBMIT.tasks);
    await arriveAt(page, 'accounts');

    for (const [account, { tick: wanted, pin }] of Object.entries(exampleRows(customer))) {
      const row = rowOf(page, account);
      const reference = await row.getAttribute('data-account');
      const stops = await tabTo(page, `#tick-${reference}`);
      // From row to row in the order of the table, each its box, then its PIN.
      assert.ok(account === ACCOUNTS.first || stops.length === 1, stops.join(' '));
      if ((await row.getByRole('checkbox').isChecked()) !== wanted) {
        await page.keyboard.press('Space');
      }
      assert.equal((await tabTo(page, `#pin-${reference}`)).length, 1);
      await page.keyboard.type(pin);
    }
    assert.deepEqual(await readTable(page), procedure.table(4));
    await enter(page, SUBMIT.accounts);
    await arriveAt(page, 'confirm');

    assert.deepEqual(await readTable(page), procedure.table(5));
    await enter(page, SUBMIT.confirm);
    await arriveAt(page, 'authorize');

    await tick(page, '#agree');
    await enter(page, SUBMIT.authorize);
    await arriveAtPartner(page);

    await tabTo(page, '#range-all');
    await page.keyboard.press('Space');
    await enter(page, '#import-submit');
    await page.waitForURL(/\/accounts\?saved=/);
    await enter(page, '#linked-accounts tr[data-account] a');
    await page.locator('#transactions').waitFor();
  });
});
