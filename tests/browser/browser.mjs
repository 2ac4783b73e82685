// Chromium as the tests use it: headless, offline, a new profile each time.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {chromium} from 'playwright-core';

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export async function withBrowser(fn) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'waypath-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', headless: true, args: FLAGS, viewport: {width: 1400, height: 900},
  });
  try {
    return await fn(context);
  } finally {
    await context.close();
    fs.rmSync(profile, {recursive: true, force: true});
  }
}

// Collects what must not happen on a page: errors on the console, exceptions, requests that leave the file.
export function watch(page, allowed) {
  const found = [];
  page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') found.push(`console: ${m.text()}`); });
  page.on('pageerror', (e) => found.push(`exception: ${e.message}`));
  page.on('request', (r) => { if (!allowed(r.url())) found.push(`request: ${r.url()}`); });
  return found;
}

export class Checks {
  failures = 0;
  count = 0;
  check(ok, what) {
    ++this.count;
    if (!ok) {
      ++this.failures;
      console.log(`FAILED ${what}`);
    }
  }
  end() {
    console.log(`${this.count} checks, ${this.failures} failed`);
    process.exitCode = this.failures > 0 || this.count === 0 ? 1 : 0;
  }
}
