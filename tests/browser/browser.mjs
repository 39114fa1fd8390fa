// SPDX-License-Identifier: MIT
//
// browser - a real headless Chromium for tests, and pages in it.
//
//   const browser = await launch();          // ended with the test at the latest
//   const page = await open(browser, url);   // see Page of playwright-core
//   ...
//   assert.deepEqual(page.problems, []);
//   await browser.close();
//
// The browser is Debian's, or what CHROMIUM in the environment names.

import { accessSync, constants } from 'node:fs';
import { chromium } from 'playwright-core';

const TIMEOUT_MS = 20000; // for anything that a page is waited for

function executable() {
  const names = [process.env.CHROMIUM, ...(process.env.PATH ?? '').split(':')
    .flatMap((directory) => ['chromium', 'chromium-browser', 'google-chrome']
      .map((name) => `${directory}/${name}`))].filter(Boolean);
  const found = names.find((name) => {
    try {
      accessSync(name, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found)
    throw new Error('there is no Chromium; set CHROMIUM to its path');
  return found;
}

// `args` are added to those of Chromium. With `bfcache` pages that are left are
// kept, as browsers do; playwright turns that off otherwise.
export function launch({ args = [], bfcache = false } = {}) {
  return chromium.launch({
    executablePath: executable(),
    timeout: TIMEOUT_MS,
    chromiumSandbox: process.getuid() !== 0,
    args,
    ignoreDefaultArgs: bfcache ? ['--disable-back-forward-cache'] : [],
  });
}

// A page of a context of its own. `problems` has what was thrown in it, and
// what it or the browser wrote as an error; `context` are options of it.
export async function open(browser, url, context = {}) {
  const page = await (await browser.newContext(context)).newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error.stack)));
  page.on('console', (message) => {
    if (message.type() === 'error')
      page.problems.push(message.text());
  });
  if (url)
    await page.goto(url);
  return page;
}
