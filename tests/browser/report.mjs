// The HTML report as a reader uses it: opened, filtered, clicked, driven by the keyboard, printed; nothing on the console, nothing
// asked of a network.
// Usage: report.mjs OUT WAYPATH HOSTILE_PROGRAM SOURCE_DIR: the program writes OUT/hostile.html and OUT/large.html (5,000 flows).
import {execFileSync, spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {Checks, watch, withBrowser} from './browser.mjs';

const [out, waypath, program, sources] = process.argv.slice(2);
const checks = new Checks();
const cluster = ['-q', '-f', 'scenarios/clusters/bigbang-waypoint'];
const report = (name, args, code) => {
  const file = path.join(out, `${name}.html`);
  const r = spawnSync(waypath, ['report', ...args, '--out', file], {cwd: sources, encoding: 'utf8'});
  checks.check(r.status === code, `report ${args.join(' ')} exits ${code}: ${r.status} ${r.stderr}`);
  return file;
};
const files = {
  flows: report('flows', cluster, 0),
  plan: report('plan', [...cluster, '--change', 'scenarios/bigbang/change-waypoint-gone.yaml'], 1),
  test: report('test', ['scenarios/bigbang', '-q'], 0),
};
files.lint = path.join(out, 'lint.html');
const linted = spawnSync(waypath, ['lint', '-q', '-f', 'scenarios/clusters/bigbang-gateway', '-o', 'html', '--out', files.lint], {cwd: sources, encoding: 'utf8'});
checks.check(linted.status === 1, `lint -o html exits 1: ${linted.status} ${linted.stderr}`);
// More workloads than a matrix of them can show.
const teams = 12, each = 14;
const manifests = path.join(out, 'wide.yaml');
fs.writeFileSync(manifests, Array.from({length: teams}, (_, t) => `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: own, namespace: team-${t}}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 8080}]}]}
` + Array.from({length: each}, (_, n) => `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-${n}, namespace: team-${t}}
spec: {selector: {matchLabels: {app: a${n}}}, template: {metadata: {labels: {app: a${n}}}, spec: {containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}}}
`).join('')).join(''));
files.wide = report('wide', ['-q', '-f', manifests], 0);
// And more pairs than a file can hold.
const bare = path.join(out, 'fleet.yaml');
fs.writeFileSync(bare, Array.from({length: 10}, (_, t) => Array.from({length: 20}, (_, n) => `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-${n}, namespace: team-${t}}
spec: {selector: {matchLabels: {app: a${n}}}, template: {metadata: {labels: {app: a${n}}}, spec: {containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}}}
`).join('')).join(''));
files.fleet = report('fleet', ['-q', '-f', bare], 0);
execFileSync(program, [out], {cwd: sources, stdio: ['ignore', 'ignore', 'inherit']});
files.hostile = path.join(out, 'hostile.html');
files.large = path.join(out, 'large.html');

async function open(context, file, options = {}) {
  const page = await context.newPage();
  const url = pathToFileURL(file).href;
  const trouble = watch(page, (u) => u.split('#')[0] === url || u.startsWith('data:'));
  page.on('dialog', (d) => { trouble.push(`dialog: ${d.message()}`); d.dismiss(); });
  await page.emulateMedia({colorScheme: options.scheme || 'light'});
  await page.setViewportSize(options.size || {width: 1400, height: 900});
  await page.goto(url);
  return {page, trouble};
}
const count = (page) => page.locator('#count').textContent();
const body = (page) => page.locator('#rows tr[data-at]');

await withBrowser(async (context) => {
  {
    const {page, trouble} = await open(context, files.test);
    const all = Number((await count(page)).match(/^(\d+) flows$/)[1]);
    checks.check(all > 50, `test: ${all} rows`);
    checks.check((await page.locator('#summary li').count()) >= 2, 'test: sums by outcome');
    await page.selectOption('#outcome', 'deny');
    const denied = Number((await count(page)).match(/^(\d+) of/)[1]);
    checks.check(denied > 0 && denied < all, `test: ${denied} of ${all} denied`);
    const texts = await page.locator('#rows .chip').allTextContents();
    checks.check(texts.length > 0 && texts.every((t) => t === 'deny'), 'test: only denied rows are left');
    await page.click('#clear');
    checks.check((await count(page)) === `${all} flows`, 'test: clear shows all again');
    // Keyboard alone: / to the search, Tab to the table, arrows to move, Enter into the detail, Escape back.
    await page.locator('#main').focus();
    await page.keyboard.press('/');
    await page.keyboard.type('internet extauthz_redirect prometheus');
    await page.waitForFunction(() => document.getElementById('count').textContent.includes(' of '));
    for (let i = 0; i < 30 && !(await page.evaluate(() => document.activeElement.matches('#rows tr'))); ++i) await page.keyboard.press('Tab');
    checks.check(await page.evaluate(() => document.activeElement.matches('#rows tr')), 'test: Tab reaches the rows');
    await page.keyboard.press('Enter');
    checks.check((await page.locator('#detail h2').textContent()).startsWith('internet'), 'test: Enter opens a flow');
    checks.check(await page.evaluate(() => document.activeElement.id === 'detail'), 'test: the detail has the focus');
    await page.keyboard.press('Escape');
    checks.check(await page.evaluate(() => document.activeElement.matches('#rows tr')), 'test: Escape goes back');
    checks.check((await page.locator('#detail svg.path rect').count()) >= 3, 'test: the path is drawn');
    checks.check((await page.locator('#detail code').allTextContents()).includes('EXTAUTHZ_REDIRECT'), 'test: the reason is named');
    await page.locator('#detail p button.link').first().click({timeout: 5000});
    const marked = await page.locator('#detail pre.source .marked').first().textContent();
    checks.check(/\d/.test(marked), `test: the policy's line is marked: ${marked}`);
    checks.check((await page.locator('#detail pre.source').first().textContent()).includes('AuthorizationPolicy'), 'test: the policy is shown');
    await page.screenshot({path: path.join(out, 'test-light.png')});
    await page.getByRole('columnheader', {name: 'From'}).getByRole('button').click();
    checks.check((await page.locator('th[aria-sort="ascending"]').count()) === 1, 'test: a column sorts');
    checks.check(trouble.length === 0, `test: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.flows);
    // The matrix.
    await page.getByRole('tab', {name: 'Reach'}).click();
    const cells = await page.locator('#matrix td').count();
    checks.check(cells > 30, `reach: ${cells} cells`);
    await page.locator('#matrix td.h1, #matrix td.h2, #matrix td.h3').first().click();
    checks.check(/ \u2192 .*: (TCP|UDP|SCTP|all)/.test(await page.locator('#cell').textContent()), 'reach: a cell tells its ports');
    await page.keyboard.press('ArrowRight');
    checks.check((await page.locator('#matrix td.chosen').count()) === 1, 'reach: arrows move in the matrix');
    await page.screenshot({path: path.join(out, 'reach-light.png')});
    await page.fill('#reachsearch', 'prometheus');
    checks.check((await page.locator('#matrix td').count()) < cells, 'reach: the matrix is narrowed down');
    await page.getByRole('tab', {name: /Findings/}).click();
    checks.check((await page.locator('#findinglist > li').count()) > 3, 'flows: what lint says is there');
    await page.getByRole('tab', {name: /Policies/}).click();
    for (const policy of await page.locator('#policylist summary').all()) await policy.click();
    await page.locator('#policylist pre.source .marked').first().waitFor({timeout: 5000});
    checks.check((await page.locator('#policylist pre.source .marked').count()) > 0, 'policies: the deciding lines are marked');
    const secret = fs.readFileSync(files.flows, 'utf8');
    checks.check(!/kind: Secret/.test(secret), 'no Secret is in the file');
    // Print: every row, every part.
    await page.emulateMedia({media: 'print', colorScheme: 'light'});
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    checks.check((await body(page).count()) > 0, 'print: rows are there');
    fs.writeFileSync(path.join(out, 'flows.pdf'), await page.pdf({format: 'A4', landscape: true}));
    checks.check(fs.statSync(path.join(out, 'flows.pdf')).size > 20000, 'print: the page prints');
    checks.check(trouble.length === 0, `flows: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.lint);
    const items = page.locator('#findinglist > li');
    const all = await items.count();
    checks.check(all > 3 && (await page.locator('#findingcount').textContent()) === `${all} findings`, `lint: ${all} findings`);
    checks.check((await items.first().locator('.chip').textContent()) === 'error', 'lint: errors come first');
    checks.check((await page.getByRole('tab').count()) === 1, 'lint: only its own part');
    await page.locator('#main').focus();
    await page.keyboard.press('/');
    await page.keyboard.type('ztunnel');
    checks.check((await items.count()) < all && (await items.count()) > 0, 'lint: / searches');
    await page.click('#findingclear');
    await page.selectOption('#severity', 'error');
    checks.check((await items.locator('.chip').allTextContents()).every((t) => t === 'error'), 'lint: by severity');
    await items.first().locator('button.link').focus();
    await page.keyboard.press('Enter');
    checks.check((await items.first().locator('pre.source .marked').count()) === 1, 'lint: the line of a finding is marked');
    checks.check(trouble.length === 0, `lint: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.wide);
    await page.getByRole('tab', {name: 'Reach'}).click();
    checks.check((await page.locator('#matrix td').count()) >= teams * teams && (await page.locator('#matrix td').count()) < 600, 'wide: by namespace when there are many workloads');
    const own = page.locator('#matrix tbody tr', {has: page.locator('th', {hasText: /^team-3$/})}).locator('td:not(:empty)').first();
    await own.click();
    checks.check(/pairs of workloads are connected, on /.test(await page.locator('#cell').textContent()), 'wide: a cell tells how many pairs');
    await page.keyboard.press('Enter');
    checks.check(/team-3/.test(await page.locator('#reachcount').textContent()), 'wide: Enter shows the workloads of two namespaces');
    await page.keyboard.press('Escape');
    checks.check((await page.locator('#reachgroup').inputValue()) === 'ns', 'wide: Escape goes back');
    await page.selectOption('#reachgroup', '');
    checks.check(/the first 150 of each are drawn/.test(await page.locator('#reachcount').textContent()), 'wide: what is left out is said');
    checks.check(trouble.length === 0, `wide: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.fleet);
    await page.getByRole('tab', {name: 'Reach'}).click();
    checks.check(/Namespaces alone are in this file/.test(await page.locator('#reachabout').textContent()), 'fleet: that workloads are left out is said');
    await page.locator('#matrix td.h3').first().click();
    checks.check(/: (\d+) of \1 pairs of workloads are connected, on all ports\./.test(await page.locator('#cell').textContent()), `fleet: ${await page.locator('#cell').textContent()}`);
    checks.check(fs.statSync(files.fleet).size < 400000, `fleet: ${fs.statSync(files.fleet).size} bytes`);
    checks.check(trouble.length === 0, `fleet: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.plan, {scheme: 'dark'});
    checks.check((await page.locator('#status option').count()) >= 2, 'plan: kinds of change');
    await body(page).first().click();
    const heads = await page.locator('#detail h3').allTextContents();
    checks.check(heads.includes('Before') && heads.includes('After'), 'plan: both sides of a flow');
    checks.check((await page.locator('#detail').textContent()).includes('because of Gateway/authservice/authservice-waypoint'), 'plan: the cause is named');
    await page.screenshot({path: path.join(out, 'plan-dark.png')});
    await page.getByRole('tab', {name: /Findings/}).click();
    await page.selectOption('#findingchange', 'new');
    checks.check((await page.locator('#findinglist').textContent()).includes('LINT_WAYPOINT_MISSING'), 'plan: the findings that the change adds');
    checks.check(trouble.length === 0, `plan: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.flows, {scheme: 'dark', size: {width: 420, height: 800}});
    checks.check(/allow/.test(await page.locator('#summary').textContent()), 'narrow: sums');
    await body(page).first().click();
    checks.check((await page.locator('#detail svg.path').count()) === 1, 'narrow: a flow has its path');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    checks.check(wide <= 0, `narrow: a page is ${wide} pixels too wide`);
    await page.screenshot({path: path.join(out, 'flows-narrow-dark.png'), fullPage: true});
    checks.check(trouble.length === 0, `narrow: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.hostile);
    const names = fs.readFileSync(path.join(out, 'hostile.names'), 'utf8').split('\0').filter((n) => n);
    checks.check((await body(page).count()) > 0, 'hostile: rows');
    for (let i = 0; i < names.length; ++i) {
      await page.evaluate((at) => { document.getElementById('scroller').scrollTop = at * 31; }, i);
      await page.locator(`#rows tr[data-at="${i}"]`).click();
      const text = await page.locator('#detail').textContent();
      checks.check(text.includes(names[i]), `hostile: ${names[i]} is shown as it is`);
    }
    checks.check((await page.locator('main img, main script, main iframe, main b > *').count()) === 0, 'hostile: a name became markup');
    checks.check(trouble.length === 0, `hostile: ${trouble.join('\n')}`);
    await page.close();
  }
  {
    const {page, trouble} = await open(context, files.large);
    checks.check((await count(page)) === '5000 flows', `large: ${await count(page)}`);
    const rows = await body(page).count();
    checks.check(rows < 200, `large: only rows in sight exist (${rows})`);
    // Loose on purpose: what a reader would feel as a hang.
    const times = await page.evaluate(async () => {
      const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      const measure = async (fn) => { const t = performance.now(); fn(); await frame(); return performance.now() - t; };
      const search = document.getElementById('search'), box = document.getElementById('scroller');
      const all = [];
      for (const word of ['a', 'app-1', 'app-12', 'app-123', ''])
        all.push(await measure(() => { search.value = word; search.dispatchEvent(new Event('input')); }));
      for (let i = 0; i <= 20; ++i) all.push(await measure(() => { box.scrollTop = i / 20 * box.scrollHeight; }));
      return all.sort((a, b) => a - b);
    });
    console.log(`large: the slowest step took ${times.at(-1).toFixed(0)} ms, the median ${times[times.length >> 1].toFixed(0)} ms`);
    checks.check(times.at(-1) < 2000, `large: a step took ${times.at(-1)} ms`);
    const last = await page.locator('#rows tr[data-at]').last().getAttribute('data-at');
    checks.check(last === '4999', `large: the last row can be scrolled to (${last})`);
    checks.check(trouble.length === 0, `large: ${trouble.join('\n')}`);
    await page.close();
  }
});
checks.end();
