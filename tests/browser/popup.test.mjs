// Partners open the bank in a popup too: their own page must still be there after the return, and
// the popup must still know it.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { pushRequest, servePartner } from './bench/partner.mjs';
import {
  ACCOUNTS,
  BANK,
  SUBMIT,
  arriveAtPartner,
  arriveAt,
  chooseTasks,
  fillAccounts,
  linkedRows,
  logIn,
  submit,
} from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

/** Steps 2 to 6, up to the click on 「許可」. */
async function walkThroughBank(page, customer, rows) {
  await arriveAt(page, 'login');
  await logIn(page, customer);
  await chooseTasks(page);
  await fillAccounts(page, rows);
  await submit(page, 'accounts', 'confirm');
  await submit(page, 'confirm', 'authorize');
  await page.locator('#agree').check();
  await page.locator(SUBMIT.authorize).click();
}

test('the bank in a popup', async (t) => {
  const demo = await startDemo(t, 'popup');
  const browser = await startChromium(t);
  const { customer, addresses } = demo;

  await t.test("a partner's page hears from its popup, and gets its tokens", async () => {
    const partner = demo.partners.B;
    const { issuer } = demo.bank(BANK);
    const redirectUri = partner.redirect_uris.find((uri) => uri.includes('127.0.0.1'));
    const request = await pushRequest(partner, issuer, redirectUri);
    const origin = await servePartner(t, redirectUri, request.url);

    const origins = originsOf(demo, origin);
    await visit(browser, { name: 'popup-partner', origins }, async (page) => {
      await page.goto(origin);
      const opened = page.waitForEvent('popup');
      await page.locator('#link').click();
      const popup = await opened;
      // 9999999 is in this partner's linkage from before.
      await walkThroughBank(popup, customer, {
        [ACCOUNTS.first]: { tick: true, pin: customer.pin },
        [ACCOUNTS.other]: { tick: true, pin: customer.pin },
      });
      await popup.waitForURL(`${redirectUri}?**`);

      const came = page.locator('#came', { hasText: 'code=' });
      const answer = new URLSearchParams(await came.innerText());
      assert.equal(answer.get('state'), request.state);
      assert.equal(answer.get('iss'), issuer);
      assert.equal(await popup.evaluate(() => opener.location.pathname), '/');

      const tokens = await request.redeem(answer.get('code'));
      const [{ accounts }] = tokens.authorization_details;
      assert.equal(accounts.length, 2);
    });
  });

  await t.test('the sample partner in a popup of its own page', async () => {
    const origins = originsOf(demo);
    await visit(browser, { name: 'popup-sample', origins }, async (page, context) => {
      await page.goto(`${addresses.partner_app}/banks`);
      const opened = context.waitForEvent('page');
      await page.evaluate(() => void window.open('/banks', 'link', 'popup,width=640,height=800'));
      const popup = await opened;
      await popup.locator(`#link-${BANK}-submit`).click();
      await walkThroughBank(popup, customer, linkedRows(customer));
      await arriveAtPartner(popup);
      assert.equal(await popup.evaluate(() => opener.location.pathname), '/banks');
      assert.equal(await page.evaluate(() => window.open('', 'link').name), 'link');
    });
  });
});
