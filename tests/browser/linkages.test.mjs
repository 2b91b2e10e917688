// 「API連携の確認・解除」 in both languages: the login, the list, one linkage with what was read, an account
// taken out, the end, the log-out; and the same without script and with the keyboard where it counts.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { enter, tabTo, type } from './bench/keyboard.mjs';
import { look } from './bench/look.mjs';
import { ACCOUNTS, BANK, allow, titleOf, typeLogin, walkTo } from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

const SAYS = {
  ja: {
    locale: 'ja-JP',
    login: 'API連携の確認・解除（ログイン）',
    list: 'API連携の確認・解除',
    one: 'API連携の内容',
    removed: /連携の対象から外しました/,
    ended: /連携を解除しました/,
    over: /ログアウトしました/,
  },
  en: {
    locale: 'en-US',
    login: 'Check or end API linkages (log in)',
    list: 'Check or end API linkages',
    one: 'API linkage',
    removed: /was taken out of the linkage/,
    ended: /The linkage has ended/,
    over: /You are logged out/,
  },
};

const noticeOf = (page) => page.locator('.notice').innerText();

/** The linkage that the walk made: the one that can be read for both of its accounts. */
const walked = (page) =>
  page.locator('#live .linkage').filter({ hasText: ACCOUNTS.first }).filter({ hasText: ACCOUNTS.linked });

async function logInThere(page, demo, url = `${demo.bank(BANK).issuer}/linkages`) {
  await page.goto(url);
  await typeLogin(page, demo.customer);
  await page.locator('#login-submit').click();
  await page.locator('#logout-form').waitFor();
}

for (const [lang, says] of Object.entries(SAYS)) {
  test(`a customer checks and ends a linkage (${lang})`, async (t) => {
    const demo = await startDemo(t, `linkages-${lang}`);
    const browser = await startChromium(t);
    const { locale } = says;
    const options = { name: `linkages-${lang}`, origins: originsOf(demo), locale };

    await visit(browser, options, async (page) => {
      await walkTo(page, demo, 'authorize');
      const address = await page.locator('a#linkages').getAttribute('href');
      assert.equal(address, `${demo.bank(BANK).issuer}/linkages`);
      await allow(page);
      await page.locator('#import-submit').click();
      await page.waitForURL(/\/accounts\?saved=/);

      await page.goto(address);
      assert.equal(await titleOf(page), says.login);
      await look(page, `80-${lang}-linkages-login`, lang);
      await typeLogin(page, { login_id: demo.customer.login_id, password: 'Wrong2026' });
      await page.locator('#login-submit').click();
      await page.locator('#problems').waitFor();
      await look(page, `81-${lang}-linkages-rejected`, lang);

      await logInThere(page, demo);
      assert.equal(await titleOf(page), says.list);
      await look(page, `82-${lang}-linkages-list`, lang);

      await walked(page).locator('a.open').click();
      assert.equal(await titleOf(page), says.one);
      assert.ok((await page.locator('#reads tbody tr').count()) > 0, 'the partner has read');
      assert.ok((await page.locator('#history li').count()) >= 2);
      await look(page, `83-${lang}-linkage`, lang);
      const linkage = page.url();

      await page.locator(`tr[data-account] a.remove`).last().click();
      await look(page, `84-${lang}-linkage-remove`, lang);
      await page.locator('#remove-submit').click();
      assert.match(await noticeOf(page), says.removed);
      assert.equal(await page.locator('#accounts tbody tr').count(), 1);

      await page.locator('a#end').click();
      await look(page, `85-${lang}-linkage-end`, lang);
      // Two clicks at once: one end, and the same answer.
      await page.locator('#end-submit').dblclick();
      await page.waitForURL(/\?m=ended$/);
      assert.match(await noticeOf(page), says.ended);
      await look(page, `86-${lang}-linkage-ended`, lang);
      await page.goBack();
      await page.goto(linkage);
      assert.equal(await page.locator('a#end').count(), 0);

      await page.locator('#back-to-list').click();
      await look(page, `87-${lang}-linkages-after`, lang);
      await page.locator('#logout').click();
      assert.match(await noticeOf(page), says.over);
      await page.goto(linkage);
      assert.equal(await titleOf(page), says.login);
      await logInThere(page, demo, page.url());
      assert.equal(page.url(), linkage, 'the login leads back');

      const nowhere = `${address}/00000000-0000-4000-8000-000000000000`;
      await page.goto(nowhere);
      assert.equal(await page.locator('main').getAttribute('data-error'), 'linkage_not_found');
      await look(page, `88-${lang}-linkage-not-found`, lang);
    });
  });
}

test('the same without script, and with the keyboard', async (t) => {
  const demo = await startDemo(t, 'linkages-plain');
  const browser = await startChromium(t);
  const origins = originsOf(demo);
  const address = `${demo.bank(BANK).issuer}/linkages`;

  const plain = { name: 'linkages-without-script', origins, javaScriptEnabled: false };
  await visit(browser, plain, async (page) => {
    await logInThere(page, demo);
    await page.locator('#extend').click();
    assert.equal(await titleOf(page), SAYS.ja.list);
    const linkages = await page.locator('#live .linkage').count();
    await page.locator('#live a.open').first().click();
    await page.locator('a#end').click();
    await page.locator('#end-submit').click();
    assert.match(await noticeOf(page), SAYS.ja.ended);
    await page.locator('#back-to-list').click();
    assert.equal(await page.locator('#live .linkage').count(), linkages - 1);
  });

  await visit(browser, { name: 'linkages-keyboard', origins }, async (page) => {
    await page.goto(address);
    await type(page, '#login_id', demo.customer.login_id);
    await type(page, '#password', demo.customer.password);
    await enter(page, '#login-submit');
    await page.locator('#logout-form').waitFor();
    await enter(page, '#live a.open');
    await page.locator('a#end').waitFor();
    await enter(page, 'a#end');
    await page.locator('#end-form').waitFor();
    await tabTo(page, '#end-submit');
    await enter(page, 'a#back');
    await page.locator('a#end').waitFor();
  });
});
