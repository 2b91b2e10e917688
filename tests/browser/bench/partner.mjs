// A partner of one's own: a page that opens the bank in a popup, and the OAuth client behind it,
// which knows nothing but the public protocol and its keys in demo.json.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const base64url = (value) => Buffer.from(value).toString('base64url');
const random = () => randomBytes(32).toString('base64url');

/** A client assertion (RFC 7523): ES256, for one issuer, good for one minute. */
function assertion(partner, issuer) {
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: 'ES256', kid: partner.kid };
  const claims = {
    iss: partner.client_id,
    sub: partner.client_id,
    aud: issuer,
    jti: random(),
    iat: now,
    exp: now + 60,
  };
  const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  const key = { key: createPrivateKey(partner.private_key_pem), dsaEncoding: 'ieee-p1363' };
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

async function post(partner, issuer, endpoint, parameters) {
  const response = await fetch(`${issuer}/${endpoint}`, {
    method: 'POST',
    body: new URLSearchParams({
      ...parameters,
      client_id: partner.client_id,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: assertion(partner, issuer),
    }),
  });
  const answer = await response.json();
  assert.ok(response.ok, `${endpoint}: ${JSON.stringify(answer)}`);
  return answer;
}

/**
 * Pushes an authorization request (RFC 9126). Gives the address for the customer's browser, and
 * `redeem(code)` for the tokens.
 */
export async function pushRequest(partner, issuer, redirectUri) {
  const verifier = random();
  const state = random();
  const { request_uri: requestUri } = await post(partner, issuer, 'par', {
    response_type: 'code',
    redirect_uri: redirectUri,
    state,
    scope: 'balance transactions',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const query = new URLSearchParams({ client_id: partner.client_id, request_uri: requestUri });
  const redeem = (code) =>
    post(partner, issuer, 'token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
  return { url: `${issuer}/authorize?${query}`, state, redeem };
}

const PAGE = (body) => `<!doctype html><html lang="ja"><meta charset="utf-8">
<link rel="icon" href="data:,"><title>経理 | 見本</title><h1>経理</h1>${body}</html>`;

/**
 * The partner's pages on its redirect URI's origin: `/` with a button that opens `bankUrl` in a
 * popup, and the redirect URI, which hands its query to the page that opened it. Stops after `t`.
 */
export async function servePartner(t, redirectUri, bankUrl) {
  const { origin, port, pathname } = new URL(redirectUri);
  const pages = {
    '/': `<button id="link">口座連携</button><p id="came"></p><script>
      addEventListener('message', (message) => {
        if (message.origin === location.origin) came.textContent = message.data;
      });
      link.onclick = () => open(${JSON.stringify(bankUrl)}, 'bank', 'popup,width=640,height=800');
      </script>`,
    [pathname]: `<p>戻りました</p><script>opener.postMessage(location.search, origin)</script>`,
  };
  const server = createServer((request, response) => {
    const body = pages[new URL(request.url, origin).pathname];
    response.writeHead(body ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' });
    response.end(PAGE(body ?? ''));
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(Number(port), '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  return origin;
}
