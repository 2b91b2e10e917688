// The procedure's own example, from the partner's page through the bank's screens and back, held
// against the text of the procedure; every page on the way is looked at.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { look } from './bench/look.mjs';
import * as procedure from './bench/procedure.mjs';
import {
  ACCOUNTS,
  BANK,
  SUBMIT,
  allow,
  arriveAt,
  arriveAtPartner,
  chooseTasks,
  exampleRows,
  fillAccounts,
  logIn,
  readTable,
  rowOf,
  submit,
  titleOf,
  typeLogin,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

/** What a page says in its notes and its lead. */
const text = (page, selector) => page.locator(selector).first().innerText();

/** A step's screen has the procedure's title, button and notes, and its lead is the procedure's. */
async function assertPrinted(page, number, { step, button, lead = (said) => said }) {
  assert.equal(await titleOf(page), procedure.title(number));
  assert.equal(await text(page, SUBMIT[step]), procedure.quoted(number, button));
  const said = lead(await text(page, '.lead'));
  assert.ok(procedure.prose(number).includes(said), `step ${number} says: ${said}`);
  const body = await text(page, 'main');
  for (const note of procedure.notes(number)) {
    assert.ok(body.includes(note), `step ${number} has the note: ${note}`);
  }
}

test("the procedure's example, from the partner and back, as printed", async (t) => {
  const demo = await startDemo(t, 'example');
  const browser = await startChromium(t);
  const { customer, addresses } = demo;
  const origins = originsOf(demo);
  const bank = demo.bank(BANK);

  let failed = false;
  /** Each step needs the one before: after a failure the others say no more than that. */
  const step = (name, walk) =>
    t.test(name, async () => {
      assert.ok(!failed, 'an earlier step failed');
      failed = true;
      await walk();
      failed = false;
    });

  await visit(browser, { name: 'example', origins }, async (page) => {
    await step('step 1: the partner lists the thirteen banks', async () => {
      await page.goto(addresses.partner_app);
      await look(page, '01-partner-home');
      await page.goto(`${addresses.partner_app}/accounts`);
      await look(page, '02-partner-no-account');
      await page.locator('main .button').first().click();
      await look(page, '03-partner-banks');
      const names = await page.locator('#banks button').allInnerTexts();
      assert.deepEqual(
        names.map((name) => name.trim()),
        demo.banks.map((listed) => listed.display_name),
      );
      await page.getByRole('button', { name: bank.display_name }).click();
      await arriveAt(page, 'login');
    });

    await step('step 2: the login', async () => {
      await assertPrinted(page, 2, { step: 'login', button: 'ボタン' });
      assert.equal(
        await text(page, '#certificate-login'),
        procedure.quoted(2, 'からお手続き'),
      );
      await look(page, '04-login');

      await page.locator('#certificate-login').click();
      assert.equal(await titleOf(page), '電子証明書ログイン');
      assert.equal(await page.locator('#cancel').count(), 1);
      await look(page, '05-certificate-login');
      await page.locator('#back').click();

      await typeLogin(page, { ...customer, password: 'Wrong2026' });
      await page.locator(SUBMIT.login).click();
      await page.locator('#problems').waitFor();
      assert.ok(await page.locator('#problems').evaluate((box) => box === document.activeElement));
      await look(page, '06-login-rejected');

      await logIn(page, customer);
    });

    await step('step 3: the tasks', async () => {
      await assertPrinted(page, 3, {
        step: 'tasks',
        button: 'をクリック',
        // The procedure points at step 1, the screen names who was picked there.
        lead: (said) =>
          said.replace('API連携事業者（サンプル会計株式会社）', '手順1のAPI連携事業者'),
      });
      const tasks = page.locator('#tasks-form .choice label');
      assert.deepEqual(await tasks.allInnerTexts(), ['残高照会', '入出金明細照会']);
      await look(page, '07-tasks');

      for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
      await page.locator(SUBMIT.tasks).click();
      await page.locator('#problems').waitFor();
      await look(page, '08-tasks-none');
      await chooseTasks(page);
    });

    await step('step 4: the accounts, cell for cell', async () => {
      const printed = procedure.table(4);
      await assertPrinted(page, 4, { step: 'accounts', button: 'ボタン' });
      const offered = await readTable(page);
      assert.deepEqual(offered.columns, printed.columns);
      assert.deepEqual(
        offered.rows,
        printed.rows.map(({ cells: [status, account, memo] }) => ({
          // Exactly the rows of this linkage come ticked, and no PIN does.
          tick: status.endsWith('*'),
          cells: [status, account, memo, ''],
        })),
      );
      await look(page, '09-accounts');

      for (const box of await page.getByRole('checkbox').all()) await box.uncheck();
      await page.locator(SUBMIT.accounts).click();
      await page.locator('#problems').waitFor();
      await look(page, '10-accounts-none');

      await rowOf(page, ACCOUNTS.first).getByRole('checkbox').check();
      await page.locator(SUBMIT.accounts).click();
      await page.locator('#problems').waitFor();
      assert.ok(await rowOf(page, ACCOUNTS.first).getByRole('checkbox').isChecked());
      await look(page, '11-accounts-pin-missing');

      await fillAccounts(page, exampleRows(customer));
      assert.deepEqual(await readTable(page), printed);
      await look(page, '12-accounts-filled');
      await submit(page, 'accounts', 'confirm');
    });

    await step('step 5: what came of it, cell for cell', async () => {
      await assertPrinted(page, 5, { step: 'confirm', button: 'ボタン' });
      assert.deepEqual(await readTable(page), procedure.table(5));
      const failed = await page.locator('#failures li').allInnerTexts();
      assert.equal(failed.length, 1);
      assert.match(failed[0], /1111111\s+照会用暗証番号が一致しませんでした/);
      await look(page, '13-confirm');

      await page.locator('#retry').click();
      await arriveAt(page, 'accounts');
      const again = await readTable(page);
      assert.deepEqual(
        again.rows.map(({ tick, cells }) => [tick, cells[3]]),
        [
          [true, ''],
          [false, ''],
          [false, ''],
          [true, ''],
        ],
        'no PIN comes back, and ticked are the rows of this linkage',
      );
      await look(page, '14-accounts-retry');
      await page.goBack();
      await arriveAt(page, 'confirm');
      await submit(page, 'confirm', 'authorize');
    });

    await step('step 6: what is allowed to whom', async () => {
      await assertPrinted(page, 6, { step: 'authorize', button: 'ボタン' });
      assert.equal(
        await text(page, 'label[for=agree]'),
        procedure.quoted(6, 'のチェックボックス'),
      );
      const consent = await text(page, '.consent');
      for (const word of [
        'サンプル会計株式会社',
        'かんたん会計',
        '残高照会',
        '入出金明細照会',
        ACCOUNTS.first,
        ACCOUNTS.linked,
      ]) {
        assert.ok(consent.includes(word), word);
      }
      for (const word of [ACCOUNTS.mistyped, ACCOUNTS.other]) {
        assert.ok(!consent.includes(word), word);
      }
      await look(page, '15-authorize');

      // Chromium would not send the form without the tick.
      await page.locator('#authorize-form').evaluate((form) => (form.noValidate = true));
      await page.locator(SUBMIT.authorize).click();
      await page.locator('#problems').waitFor();
      await look(page, '16-authorize-not-agreed');
    });

    await step('the end of 団体IB, and its way back where nothing switches', async () => {
      // The partner does not answer at first: the customer stays on the end page.
      const callback = `${addresses.partner_app}/callback?**`;
      await page.route(callback, (route) => route.fulfill({ status: 204 }));
      await page.locator('#agree').check();
      await Promise.all([
        page.waitForRequest(callback),
        page.locator(SUBMIT.authorize).click(),
      ]);
      assert.equal(await titleOf(page), '団体IBは終了しました');
      assert.equal(await text(page, '#continue'), '画面が切り替わらない場合はこちら');
      await look(page, '17-done');
      await page.unroute(callback);
      await page.locator('#continue').click();
      await arriveAtPartner(page);
    });

    await step('step 7: the partner asks from when on', async () => {
      const printed = procedure.lines(7);
      const at = printed.indexOf('金融機関と口座連携');
      const [heading, connected, lead, legend, all, from, button] = printed.slice(at);
      assert.equal(await titleOf(page), heading);
      assert.equal(await text(page, '.company'), 'サンプル会計株式会社');
      assert.match(await text(page, '#connected'), new RegExp(`^${connected}\n`));
      assert.equal(await text(page, 'main .lead'), lead);
      assert.equal(await text(page, 'legend'), legend);
      assert.equal(await text(page, 'label[for=range-all]'), all);
      assert.equal(await text(page, 'label[for=range-from]'), from);
      assert.equal(await text(page, '#import-submit'), button);
      await look(page, '18-partner-import');

      await page.locator('#range-from').check();
      await page.locator('#start_date').fill('2999-12-31');
      await page.locator('#import-submit').click();
      await page.locator('#import-error').waitFor();
      await look(page, '19-partner-import-future');

      await page.locator('#range-all').check();
      await page.locator('#import-submit').click();
      await page.waitForURL(/\/accounts\?saved=/);
    });

    await step('the partner has balances and statements of the two accounts', async () => {
      const rows = page.locator('#linked-accounts tr[data-account]');
      const labels = await rows.locator('th').allInnerTexts();
      assert.deepEqual(
        labels.map((label) => label.replace(/\s+/g, ' ').trim()),
        [ACCOUNTS.first, ACCOUNTS.linked],
      );
      await look(page, '20-partner-accounts');

      for (const name of ['first', 'linked']) {
        const row = rows.filter({ hasText: ACCOUNTS[name].split(' ').at(-1) });
        const balance = await row.locator('.amount').innerText();
        assert.match(balance, /^[\d,]+円$/);
        await row.getByRole('link', { name: /の明細を見る$/ }).click();
        const transactions = page.locator('#transactions tbody tr');
        assert.ok((await transactions.count()) > 5, name);
        const amounts = await page.locator('td[data-label=残高]').allInnerTexts();
        assert.ok(
          amounts.at(0) === balance || amounts.at(-1) === balance || (await hasMore(page)),
          `${name}: the statement's last balance is the balance`,
        );
        if (name === 'linked') await look(page, '21-partner-statement');
        await page.goto(`${addresses.partner_app}/accounts`);
      }
      await page.goto(addresses.partner_app);
      await look(page, '22-partner-home-linked');
      await page.goto(`${addresses.partner_app}/banks`);
      await look(page, '23-partner-banks-linked');
    });

    await step('a start date that reaches too far back is told', async () => {
      await page.goto(addresses.partner_app);
      await page.getByRole('link', { name: '取り込む範囲を変更' }).click();
      await page.locator('#range-from').check();
      await page.locator('#start_date').fill('2020-01-01');
      await page.locator('#import-submit').click();
      await page.locator('[data-unavailable]').first().waitFor();
      await look(page, '24-partner-accounts-too-early');
      await page.getByRole('link', { name: `${ACCOUNTS.linked}の明細を見る` }).click();
      await page.locator('#unavailable-days').waitFor();
      await look(page, '25-partner-statement-too-early');
    });

    await step('a second time the linkage that stands is changed', async () => {
      await page.goto(`${addresses.partner_app}/banks`);
      await page.locator(`#link-${BANK}-submit`).click();
      await arriveAt(page, 'login');
      await logIn(page, customer);
      await chooseTasks(page);
      await fillAccounts(page, {
        [ACCOUNTS.first]: { tick: false, pin: '' },
        [ACCOUNTS.mistyped]: { tick: true, pin: customer.pin },
        [ACCOUNTS.linked]: { tick: true, pin: customer.pin },
      });
      await submit(page, 'accounts', 'confirm');
      assert.equal(await page.locator('#failures').count(), 0);
      await look(page, '26-confirm-no-failure');
      await submit(page, 'confirm', 'authorize');
      const change = await text(page, '.consent .strong');
      assert.ok(change.includes(`追加する口座：${ACCOUNTS.mistyped}`), change);
      assert.ok(change.includes(`対象から外す口座：${ACCOUNTS.first}`), change);
      await look(page, '27-authorize-change');
      await allow(page);
    });
  });
});

const hasMore = async (page) => (await page.locator('#next-page').count()) > 0;
