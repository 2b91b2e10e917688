// The browser: an installed Chromium, steered by playwright-core.
import { accessSync, constants } from 'node:fs';

import { chromium } from 'playwright-core';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Whatever a page asks for, nothing leaves this machine.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The path of Chromium: `CHROMIUM`, else one of the usual places. Throws where there is none. */
export function findChromium() {
  const given = process.env.CHROMIUM;
  const found = given ? [given].find(isExecutable) : USUAL_PLACES.find(isExecutable);
  if (found) return found;
  const install =
    process.platform === 'darwin'
      ? 'brew install --cask chromium'
      : 'sudo apt-get install -y chromium fonts-noto-cjk';
  throw new Error(
    `${given ? `CHROMIUM=${given} is no program.` : 'Chromium is missing.'} ` +
      `Install it with:  ${install}  (or set CHROMIUM to the path of one)`,
  );
}

/** Starts the browser. */
export function launchChromium() {
  return chromium.launch({ executablePath: findChromium(), args: ARGUMENTS });
}
