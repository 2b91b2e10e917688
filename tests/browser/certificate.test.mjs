// 電子証明書ログイン in a browser that has a certificate, in one that has none, and in both languages,
// on a demonstration over TLS.
import assert from 'node:assert/strict';
import test from 'node:test';

import { startDemo } from './bench/demo.mjs';
import { look } from './bench/look.mjs';
import { BANK, allow, arriveAt, chooseTasks, pickBank, rowOf, submit, titleOf } from './bench/steps.mjs';
import { originsOf, startChromium, visit } from './bench/visit.mjs';

const CUSTOMER = { login_id: 'dantai03', password: 'Rokin2028', pin: '3951' };
const ACCOUNT = '例題台支店(118) 普通 3120046';
const SUBMIT = '#certificate-submit';

test('the certificate login', async (t) => {
  const demo = await startDemo(t, 'certificate', '--tls');
  const browser = await startChromium(t);
  const host = new URL(demo.tls.certificate_login).origin;
  const certificate = demo.tls.customer_certificates.find(
    ({ login_id }) => login_id === CUSTOMER.login_id,
  );
  const shown = [
    { origin: host, certPath: certificate.certificate_file, keyPath: certificate.private_key_file },
  ];
  // The authority is the demonstration's own, and in no browser's list.
  const options = { origins: originsOf(demo, host), ignoreHTTPSErrors: true };
  const see = (what, extra, walk) =>
    t.test(what, () =>
      visit(browser, { ...options, ...extra, name: what.replaceAll(' ', '-') }, walk),
    );

  const toCertificateHost = async (page) => {
    await pickBank(page, demo);
    await page.locator('#certificate-login').click();
    await page.waitForURL(`${host}/**`);
  };

  await see('an account linked after a login by certificate', { clientCertificates: shown }, async (page) => {
    await toCertificateHost(page);
    assert.equal(await titleOf(page), '電子証明書ログイン');
    assert.equal(await page.locator('#certificate-name').innerText(), CUSTOMER.login_id);
    await look(page, '70-certificate');

    await page.locator('#password').fill('Wrong2028');
    await page.locator(SUBMIT).click();
    await page.locator('#problems').waitFor();
    assert.ok(await page.locator('#problems').evaluate((box) => box === document.activeElement));
    await look(page, '71-certificate-rejected');

    await page.locator('#back').click();
    await arriveAt(page, 'login');
    await page.locator('#certificate-login').click();
    await page.locator('#password').fill(CUSTOMER.password);
    await page.locator(SUBMIT).click();
    await arriveAt(page, 'tasks');
    // Back, and the password once more: the journey is where it was.
    await page.goBack();
    await page.waitForURL(`${host}/**`);
    await page.locator('#password').fill(CUSTOMER.password);
    await page.locator(SUBMIT).click();
    await arriveAt(page, 'tasks');

    await chooseTasks(page);
    const row = rowOf(page, ACCOUNT);
    await row.getByRole('checkbox').check();
    await row.locator('input[type=password]').fill(CUSTOMER.pin);
    await submit(page, 'accounts', 'confirm');
    await submit(page, 'confirm', 'authorize');
    await allow(page);
  });

  // As where the two hosts are two sites: nothing is shared, and the way back crosses from one to the
  // other after a form.
  const elsewhere = host.replace('127.0.0.1', 'localhost');
  const otherSite = {
    clientCertificates: [{ ...shown[0], origin: elsewhere }],
    origins: [...options.origins, elsewhere],
  };
  await see('the certificate host on another site', otherSite, async (page) => {
    await toCertificateHost(page);
    await page.goto(page.url().replace(host, elsewhere));
    await page.locator('#password').fill(CUSTOMER.password);
    await page.locator(SUBMIT).click();
    await arriveAt(page, 'tasks');
    assert.equal(new URL(page.url()).origin, new URL(demo.addresses.consent).origin);
  });

  await see('a browser without a certificate', {}, async (page) => {
    await toCertificateHost(page);
    assert.equal(
      await page.locator('main').getAttribute('data-error'),
      'certificate_not_confirmed',
    );
    assert.equal(await titleOf(page), '電子証明書が確認できません');
    await look(page, '72-certificate-not-confirmed');
    await page.locator('#to-login').click();
    await arriveAt(page, 'login');
  });

  await see('the certificate login of the own page', { clientCertificates: shown }, async (page) => {
    const address = `${demo.bank(BANK).issuer}/linkages`;
    await page.goto(address);
    await look(page, '74-linkages-login-with-certificates');
    await page.locator('#certificate-login').click();
    await page.waitForURL(`${host}/**`);
    assert.equal(await page.locator('#certificate-name').innerText(), CUSTOMER.login_id);
    await page.locator('#password').fill('Wrong2028');
    await page.locator(SUBMIT).click();
    await page.locator('#problems').waitFor();
    await look(page, '75-linkages-certificate-rejected');
    await page.locator('#password').fill(CUSTOMER.password);
    await page.locator(SUBMIT).click();

    // The linkage of the first walk, opened and left.
    await page.locator('#logout-form').waitFor();
    assert.equal(await titleOf(page), 'API連携の確認・解除');
    await page.locator('#live a.open').first().click();
    assert.ok((await page.locator('#accounts').innerText()).includes(ACCOUNT));
    const linkage = page.url();
    await page.locator('#logout').click();
    await page.goto(linkage);
    await page.locator('#certificate-login').click();
    await page.locator('#password').fill(CUSTOMER.password);
    await page.locator(SUBMIT).click();
    await page.locator('a#end').waitFor();
    assert.equal(page.url(), linkage, 'the login leads back');
  });

  await see('the own page in a browser without a certificate', {}, async (page) => {
    await page.goto(`${demo.bank(BANK).issuer}/linkages`);
    await page.locator('#certificate-login').click();
    await page.waitForURL(`${host}/**`);
    assert.equal(
      await page.locator('main').getAttribute('data-error'),
      'certificate_not_confirmed',
    );
    await look(page, '76-linkages-certificate-not-confirmed');
    await page.locator('#to-linkages').click();
    await page.locator('#login-form').waitFor();
    assert.equal(new URL(page.url()).origin, new URL(demo.addresses.consent).origin);
  });

  const english = { clientCertificates: shown, locale: 'en-US' };
  await see('the certificate login in English', english, async (page) => {
    await toCertificateHost(page);
    assert.equal(await titleOf(page), 'Certificate login');
    await look(page, '73-english-certificate', 'en');
    await page.locator('#password').fill(CUSTOMER.password);
    await page.locator(SUBMIT).click();
    await arriveAt(page, 'tasks');
    assert.equal(await titleOf(page), 'API linkage: Choose tasks');
  });
});
