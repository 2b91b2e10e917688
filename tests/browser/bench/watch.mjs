// What a browser must not do on any page: ask another origin for anything, complain in its console
// (a violation of the page's content security policy is such a complaint), or fail to load a part.
import assert from 'node:assert/strict';

const FAILED_TO_LOAD = 'Failed to load resource';

/** Watches every page of a context; `complaints` grows with each thing that should not be. */
export function watch(context, origins) {
  const complaints = [];
  const errorPages = new Set();
  const isNavigation = (request) => request.isNavigationRequest();

  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol === 'about:' || protocol === 'blob:') return;
    if (!origins.includes(origin)) complaints.push(`asked another origin: ${request.url()}`);
    if (isNavigation(request)) return;
    const page = new URL(request.frame().url()).origin;
    if (page !== origin) complaints.push(`${page} has a part of ${origin}: ${request.url()}`);
  });
  context.on('response', (response) => {
    if (response.status() < 400) return;
    if (isNavigation(response.request())) errorPages.add(response.url());
    else complaints.push(`${response.status()} for a part of a page: ${response.url()}`);
  });
  context.on('requestfailed', (request) => {
    const { errorText } = request.failure();
    // Left before it had everything.
    if (isNavigation(request) || errorText === 'net::ERR_ABORTED') return;
    complaints.push(`a part of a page failed: ${request.url()} (${errorText})`);
  });
  context.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    const { url } = message.location();
    // An error page's own status, which Chromium mentions.
    if (message.text().startsWith(FAILED_TO_LOAD) && errorPages.has(url)) return;
    complaints.push(`console: ${message.text()} (${url})`);
  });
  context.on('weberror', (error) => complaints.push(`script: ${error.error()}`));
  return complaints;
}

/** Fails with everything that was complained of. */
export function assertQuiet(complaints) {
  assert.deepEqual(complaints, []);
}
