// Every kind of diagram through the real Mermaid: no syntax error, every name as it is, nothing run that a name holds.
// Usage: mermaid.mjs OUT CASES_PROGRAM: the program writes NAME.mmd and NAME.names (text that must stand in the picture).
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {Checks, watch, withBrowser} from './browser.mjs';

const [out, program] = process.argv.slice(2);
execFileSync(program, [out], {stdio: ['ignore', 'ignore', 'inherit']});
const here = path.dirname(fileURLToPath(import.meta.url));
const script = pathToFileURL(path.join(here, 'node_modules/mermaid/dist/mermaid.min.js')).href;
const host = path.join(out, 'host.html');
fs.writeFileSync(host, `<!doctype html><meta charset="utf-8"><body><script src="${script}"></script></body>`);

const squeeze = (text) => text.replace(/\s+/g, '');
const names = fs.readdirSync(out).filter((f) => f.endsWith('.mmd')).map((f) => f.slice(0, -4)).sort();
const checks = new Checks();
// Looked at by people, and drawn in the dark theme as well.
const shown = (name) => /^(path|sequence|plan)-bigbang|-bigbang-(focus|waypoint)$|^fleet-/.test(name);
checks.check(names.length > 20, `${names.length} diagrams`);

await withBrowser(async (context) => {
  for (const theme of ['default', 'dark']) {
    const page = await context.newPage();
    const trouble = watch(page, (url) => url.startsWith('file:') || url.startsWith('data:') || url.startsWith('blob:'));
    page.on('dialog', (d) => { trouble.push(`dialog: ${d.message()}`); d.dismiss(); });
    await page.goto(pathToFileURL(host).href);
    await page.evaluate((t) => globalThis.mermaid.initialize({startOnLoad: false, theme: t}), theme);
    for (const name of names.filter((n) => theme === 'default' || shown(n))) {
      const source = fs.readFileSync(path.join(out, `${name}.mmd`), 'utf8');
      const got = await page.evaluate(async ({source, theme}) => {
        try {
          await globalThis.mermaid.parse(source);
          const {svg, diagramType} = await globalThis.mermaid.render('picture', source);
          document.body.innerHTML = svg;
          document.body.style.background = theme === 'dark' ? '#1b1b1f' : '#ffffff';
          const picture = document.querySelector('svg');
          const box = picture.getBoundingClientRect();
          return {
            type: diagramType, width: box.width, height: box.height,
            // <br/> parts lines that a name may run across.
            text: picture.textContent, live: picture.querySelectorAll('script, img, iframe, a, foreignObject input').length,
            nodes: picture.querySelectorAll('.node').length,
            error: picture.getAttribute('aria-roledescription') === 'error',
          };
        } catch (e) {
          return {failed: String(e.message || e)};
        }
      }, {source, theme});
      checks.check(!got.failed, `${name} (${theme}): ${got.failed}`);
      if (got.failed) continue;
      checks.check(!got.error, `${name}: Mermaid drew its error picture`);
      checks.check(got.width > 20 && got.height > 20, `${name}: empty picture`);
      checks.check(got.live === 0, `${name}: a name became markup`);
      if (name.startsWith('fleet-')) checks.check(got.nodes > 0 && got.nodes <= 120, `${name}: ${got.nodes} nodes of 2,400 pods`);
      const text = squeeze(got.text);
      const wanted = fs.readFileSync(path.join(out, `${name}.names`), 'utf8').split('\0').filter((n) => n !== '');
      for (const n of wanted) checks.check(text.includes(squeeze(n)), `${name}: "${n}" is not in the picture`);
      if (shown(name))
        await page.screenshot({path: path.join(out, `${name}-${theme}.png`), fullPage: true});
    }
    checks.check(trouble.length === 0, trouble.slice(0, 10).join('\n'));
    await page.close();
  }
});
checks.end();
