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

  for (const [lang, locale] of [
    ['ja', 'ja-JP'],
    ['en', 'en-GB'],
  ]) {
    await see(`a partner is edited, disabled and enabled in ${lang}`, { locale }, async (page) => {
      const shows = (name) => look(page, name, lang);
      const number = (of) => `${of}-console-${lang}`;
      const partner = demo.partners.A;
      await signIn(page, demo, operator);
      await page.locator('#to-partners').click();
      await page.locator(`#partners-${partner.partner_id} a`).click();
      await page.locator('#act-record').waitFor();
      await shows(`${number(83)}-record`);
      await editRecord(page, shows, number);
      await page.locator('#act-add-key').click();
      await page.locator('#act-form-jwk').fill('{');
      await page.locator('#act-form-submit').click();
      await page.locator('#act-form-jwk-problem').waitFor();
      await shows(`${number(86)}-key-wrong`);

      await page.goto(`${demo.addresses.operators}/console/banks/${BANK}/partners`);
      await shows(`${number(87)}-partners`);
      await page.locator(`#partners-${partner.partner_id} a`).click();
      await page.locator('#act-contract').click();
      await page.locator('#act-form-starts_on').fill('2026-04-01');
      await page.locator('#act-form-ends_on').fill('2026-03-31');
      await page.locator('#act-form-confirm').check();
      await page.locator('#act-form-submit').click();
      await page.locator('#act-form-ends_on-problem').waitFor();
      await shows(`${number(88)}-contract-wrong`);
      await page.locator('#back').click();
      for (const act of ['disable', 'enable']) {
        await page.locator(`#act-${act}`).click();
        if (act === 'disable') await shows(`${number(89)}-disable`);
        await page.locator('#act-form-confirm').check();
        await page.locator('#act-form-submit').dblclick();
        await page.locator('#said').waitFor();
        assert.match(await page.locator('#said').getAttribute('class'), /good/, 'the second click is answered alike');
        assert.equal(await page.locator(`#act-${act}`).count(), 0);
      }
      await shows(`${number(90)}-partner`);
    });
  }

  /** Changes the service's name on a form that is out of date first, and then on what stands. */
  async function editRecord(page, shows, number) {
    const name = (await page.locator('h1#title').innerText()).replace(/ \d+$/, '');
    const elsewhere = await page.context().newPage();
    await page.locator('#act-record').click();
    await page.locator('#act-form-service_name').fill(`${name} 2`);
    await elsewhere.goto(page.url());
    await elsewhere.locator('#act-form-complaint_contact').fill(`0120-${Date.now() % 1_000_000}`);
    await elsewhere.locator('#act-form-confirm').check();
    await elsewhere.locator('#act-form-submit').click();
    await elsewhere.locator('#said').waitFor();
    await elsewhere.close();
    await page.locator('#act-form-confirm').check();
    await page.locator('#act-form-submit').click();
    await page.locator('#said').waitFor();
    assert.equal(await page.locator('#act-form-service_name').inputValue(), `${name} 2`, 'nothing typed is lost');
    await shows(`${number(84)}-record-stale`);
    await page.locator('#act-form-service_name').fill(`${name} 3`);
    await page.locator('#act-form-confirm').check();
    await page.locator('#act-form-submit').dblclick();
    await page.locator('#act-record').waitFor();
    assert.equal(await titleOf(page), `${name} 3`);
    await shows(`${number(85)}-record-changed`);
  }
});
