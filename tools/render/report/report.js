'use strict';
// The data of a report, and how it is shown. All text goes in by textContent: nothing of it is ever read as markup.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const S = data.strings;
  const $ = (id) => document.getElementById(id);
  const SVG = 'http://www.w3.org/2000/svg';

  function el(name, options = {}, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(options)) {
      if (key === 'class') e.className = value;
      else if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== false) e.setAttribute(key, value === true ? '' : value);
    }
    for (const c of children) if (c !== null && c !== undefined && c !== '') e.append(c);
    return e;
  }
  const look = (outcome) => outcome === 'allow' ? 'allow' : outcome === 'unknown' ? 'unknown' : 'refused';
  const chip = (outcome) => el('span', {class: `chip ${look(outcome)}`}, outcome);

  // ---- flows: [name, from, to, outcome, symptom, reason, by, status, trace, trace before, note, namespaces] by position ----
  const flows = data.flows.map((f, i) => ({
    i, name: S[f[0]], from: S[f[1]], to: S[f[2]], outcome: S[f[3]], symptom: S[f[4]], reason: S[f[5]], by: S[f[6]],
    status: S[f[7]], trace: f[8], before: f[9], note: S[f[10]], namespaces: f[11].map((n) => S[n]),
  }));
  for (const f of flows)
    f.text = [f.name, f.from, f.to, f.outcome, f.symptom, f.reason, f.by, f.status, f.note].join(' ').toLowerCase();

  const COLUMNS = [
    ...(flows.some((f) => f.status) ? [{key: 'status', title: data.statusTitle, width: '7em'}] : []),
    {key: 'outcome', title: 'Outcome', width: '8.2em'},
    {key: 'from', title: 'From', width: '22%'}, {key: 'to', title: 'To', width: '28%'},
    {key: 'symptom', title: 'Client sees', wide: true, width: '14%'}, {key: 'reason', title: 'Reason', wide: true},
  ];
  const narrow = matchMedia('(max-width: 900px)');
  const ROW = 31, MARGIN = 12;
  let shown = flows, sorted = {key: '', down: false}, chosen = -1, printing = false;

  function options(select, values, all) {
    select.replaceChildren(el('option', {value: ''}, all));
    for (const v of [...new Set(values)].filter((v) => v).sort()) select.append(el('option', {value: v}, v));
    select.parentElement.hidden = select.options.length < 3;
  }

  function filter() {
    const words = $('search').value.toLowerCase().split(/\s+/).filter((w) => w);
    const want = {outcome: $('outcome').value, status: $('status').value, reason: $('reason').value};
    const ns = $('namespace').value;
    shown = flows.filter((f) => words.every((w) => f.text.includes(w)) && (!ns || f.namespaces.includes(ns)) &&
      Object.entries(want).every(([key, value]) => !value || f[key] === value));
    if (sorted.key) {
      const collator = new Intl.Collator('en', {numeric: true});
      shown.sort((a, b) => (sorted.down ? -1 : 1) * collator.compare(a[sorted.key], b[sorted.key]) || a.i - b.i);
    }
    $('count').textContent = shown.length === flows.length ? `${flows.length} flows` : `${shown.length} of ${flows.length} flows`;
    $('scroller').scrollTop = 0;
    draw();
  }

  // Only the rows in sight exist; two spacers stand for the rest. All of them when printing.
  function draw() {
    const box = $('scroller'), first = printing ? 0 : Math.max(0, Math.floor(box.scrollTop / ROW) - MARGIN);
    const last = printing ? shown.length : Math.min(shown.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + MARGIN);
    const rows = [], columns = COLUMNS.filter((c) => !c.wide || !narrow.matches).length;
    const space = (n) => el('tr', {class: 'space', 'aria-hidden': 'true'}, el('td', {colspan: columns, style: `height:${n * ROW}px`}));
    if (first > 0) rows.push(space(first));
    for (let at = first; at < last; ++at) {
      const f = shown[at];
      rows.push(el('tr', {'data-at': at, 'aria-rowindex': at + 2, 'aria-selected': String(f.i === chosen), tabindex: f.i === chosen || (chosen < 0 && at === 0) ? '0' : '-1'},
        ...COLUMNS.map((c) => el('td', {class: c.wide ? 'wide' : '', title: f[c.key]}, c.key === 'outcome' ? chip(f.outcome) : short(f[c.key], 120)))));
    }
    if (last < shown.length) rows.push(space(shown.length - last));
    if (shown.length === 0) rows.push(el('tr', {}, el('td', {colspan: columns}, 'No flow fits the filter.')));
    $('table').setAttribute('aria-rowcount', String(shown.length + 1));
    $('rows').replaceChildren(...rows);
  }

  function choose(at, focus) {
    if (at < 0 || at >= shown.length) return;
    chosen = shown[at].i;
    const box = $('scroller'), head = $('heads').offsetHeight;
    if (at * ROW < box.scrollTop) box.scrollTop = at * ROW;
    if ((at + 1) * ROW + head > box.scrollTop + box.clientHeight) box.scrollTop = (at + 1) * ROW + head - box.clientHeight;
    draw();
    show(shown[at]);
    if (focus) $('rows').querySelector(`[data-at="${at}"]`)?.focus({preventScroll: true});
    history.replaceState(null, '', `#flow-${chosen}`);
  }

  // ---- one flow ----
  const short = (text, n) => text.length > n ? `${text.slice(0, n - 1)}\u2026` : text;
  function svg(name, attributes, text) {
    const e = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, String(value));
    if (text !== undefined) e.textContent = text;
    return e;
  }

  // Hops from top to bottom; what is called on the side (ext_authz, DNS) to the right.
  function picture(t) {
    const W = 620, BOX = 330, H = 40, GAP = 46;
    const root = svg('svg', {class: 'path', role: 'img', viewBox: `0 0 ${W} ${Math.max(1, t.hops.length) * (H + GAP) - GAP + 12}`});
    root.append(svg('title', {}, `Path: ${t.hops.map((h) => S[h[0]]).join(', then ')}. ${S[t.outcome]}`));
    const y = (i) => 6 + i * (H + GAP);
    t.hops.forEach((h, i) => {
      const kind = S[h[1]], proxy = ['gateway', 'waypoint', 'ztunnel', 'sidecar'].includes(kind);
      const style = i === t.at ? `end-${look(S[t.outcome])}` : `${proxy ? 'proxy' : 'box'}${h[3] ? '' : ' unreached'}`;
      root.append(svg('rect', {x: 6, y: y(i), width: BOX, height: H, rx: proxy ? 14 : 4, class: style}));
      const label = svg('text', {x: 18, y: y(i) + (S[h[2]] ? 17 : 24)}, short(S[h[0]], 48));
      label.append(svg('title', {}, S[h[0]]));
      root.append(label);
      if (S[h[2]]) {
        const peer = svg('text', {x: 18, y: y(i) + 32, class: 'small'}, short(`peer ${S[h[2]]}`, 56));
        peer.append(svg('title', {}, S[h[2]]));
        root.append(peer);
      }
    });
    const beside = new Map();
    for (const l of t.legs) {
      const [from, to, label, decision, aux, purpose, reached] = l;
      const cut = ['deny', 'drop'].includes(S[decision]);
      const word = cut ? (S[decision] === 'drop' ? ' DROPPED' : ' REFUSED') : '';
      if (aux) {
        const n = beside.get(from) || 0;
        beside.set(from, n + 1);
        const yy = y(from) + H / 2 + n * 34;
        root.append(svg('line', {x1: BOX + 6, y1: yy, x2: BOX + 40, y2: yy, class: `dotted${cut ? ' cut' : ''}`}));
        root.append(svg('text', {x: BOX + 44, y: yy - 2}, short(S[purpose], 34)));
        root.append(svg('text', {x: BOX + 44, y: yy + 12, class: 'small'}, short(S[label] + word, 40)));
        continue;
      }
      const y1 = y(from) + H, y2 = y(to);
      root.append(svg('line', {x1: 60, y1, x2: 60, y2: y2 - 6, class: `${cut ? 'cut' : ''}${reached ? '' : ' dotted'}`}));
      root.append(svg('path', {d: `M55 ${y2 - 8} L65 ${y2 - 8} L60 ${y2} Z`, class: 'head'}));
      if (cut) root.append(svg('text', {x: 54, y: (y1 + y2) / 2 + 4, class: 'cutmark'}, '\u2716'));
      root.append(svg('text', {x: 76, y: (y1 + y2) / 2 + 4}, short(S[label] + word, 60)));
    }
    return root;
  }

  const object = (o) => {
    if (!o) return '';
    const [id, rule, place] = o;
    const name = S[id] + S[rule];
    const known = data.sources[S[id]];
    const where = S[place] ? el('span', {class: 'faint mono'}, ` ${S[place]}`) : '';
    return el('span', {}, known ? el('button', {type: 'button', class: 'link', onclick: (e) => toggleSource(e.currentTarget, S[id], place)}, name) : name, where);
  };
  function decisions(list) {
    return el('ul', {}, ...list.map((d) => el('li', {class: 'decision'}, chip(S[d[1]]), ` ${S[d[0]]} `, object(d[2]), S[d[3]] ? el('div', {class: 'faint'}, S[d[3]]) : '')));
  }
  function source(id, marks) {
    const p = data.sources[id];
    const lines = p.text.split('\n');
    return el('pre', {class: 'source', tabindex: '0', 'aria-label': `Source of ${id}`},
      ...lines.map((line, n) => {
        const number = p.line + n;
        return el('span', {class: marks.has(number) ? 'marked' : ''}, el('i', {}, String(number)), line || ' ');
      }));
  }
  function toggleSource(button, id, place) {
    const host = button.closest('li, dd, p');
    const old = host.querySelector('pre.source');
    if (old) {
      old.remove();
      return;
    }
    const line = Number(S[place].slice(S[place].lastIndexOf(':') + 1));
    const shownSource = source(id, new Set([line]));
    host.append(shownSource);
    shownSource.querySelector('.marked')?.scrollIntoView({block: 'nearest'});
  }

  function side(title, t) {
    const part = el('section', {});
    if (title) part.append(el('h3', {}, title));
    part.append(el('p', {}, chip(S[t.outcome]), ` the client sees: ${S[t.symptom]}`));
    if (t.bypassed.length) part.append(el('p', {class: 'refused'}, `bypasses ${t.bypassed.map((b) => S[b]).join('; ')}`));
    part.append(picture(t));
    const why = el('p', {}, el('code', {}, S[t.reason]), ' ', S[data.codes[S[t.reason]]] || '');
    part.append(why);
    if (t.by) part.append(el('p', {}, 'decided by ', object(t.by)));
    if (S[t.detail]) part.append(el('p', {class: 'faint'}, S[t.detail]));
    const steps = el('ol', {});
    t.legs.forEach((l) => {
      if (!l[6]) return;
      const item = el('li', {}, `${S[t.hops[l[0]][0]]} \u2192 ${l[4] ? S[l[5]] : S[t.hops[l[1]][0]]}  `, el('code', {}, S[l[2]]));
      if (l[7].length) item.append(decisions(l[7]));
      if (!l[4] && t.hops[l[1]][4].length) item.append(decisions(t.hops[l[1]][4]));
      steps.append(item);
    });
    part.append(el('h3', {}, 'On the way'), steps);
    const list = (heading, items) => { if (items.length) part.append(el('h3', {}, heading), el('ul', {}, ...items)); };
    list('It would pass if', t.near.map((n) => el('li', {}, object(n[0]), ` ${S[n[1]]}`)));
    list('Missing facts', t.missing.map((m) => el('li', {}, S[m])));
    list('Assumed', t.assumed.map((a) => el('li', {}, el('code', {}, S[a[0]]), ` ${S[a[1]]}`)));
    list('Notes', t.notes.map((n) => el('li', {}, S[n])));
    return part;
  }

  function show(f) {
    const sides = el('div', {class: 'sides'});
    if (f.before >= 0) sides.append(side('Before', data.traces[f.before]));
    if (f.trace >= 0) sides.append(side(f.before >= 0 ? 'After' : '', data.traces[f.trace]));
    $('detail').replaceChildren(el('h2', {}, `${f.from} \u2192 ${f.to}`),
      ...(f.name && f.name !== `${f.from} -> ${f.to}` ? [el('p', {class: 'faint'}, f.name)] : []),
      ...(f.status ? [el('p', {}, `${data.statusTitle}: `, el('b', {}, f.status))] : []),
      ...(f.note ? f.note.split('\n').map((n) => el('p', {}, n)) : []), sides);
    $('detail').scrollTop = 0;
  }

  // ---- reach ----
  // A matrix of named rows and columns: `cells` by row * columns + column, each [shade, text, what it tells].
  const LIMIT = 150;
  const spaceOf = (end) => end.includes('/') && !/^[0-9a-f]*[.:]/.test(end) ? end.slice(0, end.indexOf('/')) : end;
  function matrix() {
    const r = data.reach;
    if (!r) return;
    const LOOKS = ['h1', 'h2', 'h3'];
    const ports = (text) => text === 'all' ? 'all ports' : text;
    const shade = (sure) => sure === 'all' ? 2 : /1-65535/.test(sure) ? 1 : 0;
    const told = (n, size, way, others, enter) => `${n} of ${size} pairs of workloads are connected, on ${ports(way)}` +
      (others ? ` and in ${others} other way${others === 1 ? '' : 's'}` : '') + (enter ? '. Enter shows them.' : '.');
    // Too many workloads for a page come as namespaces; else they are put together here.
    const n = r.namespaces;
    const from = n ? [] : r.from.map((s) => S[s]), to = n ? [] : r.to.map((s) => S[s]);
    const each = new Map((n ? [] : r.cells).map(([i, j, sure, possible]) => [i * to.length + j, {
      i, j, level: shade(S[sure]), shade: S[possible] ? 'maybe' : LOOKS[shade(S[sure])], text: S[possible] ? '?' : '\u2022',
      way: S[possible] || S[sure], tells: S[possible] ? `${ports(S[sure]) || 'nothing'} for certain, up to ${ports(S[possible])}` : ports(S[sure]),
    }]));
    function given() {
      return {from: n.from.map(([s]) => S[s]), to: n.to.map(([s]) => S[s]), cells: new Map(n.cells.map(([i, j, count, level, maybe, way, others]) =>
        [i * n.to.length + j, {i, j, shade: maybe ? 'maybe' : LOOKS[level], text: String(count), tells: told(count, n.from[i][1] * n.to[j][1], S[way], others, false)}]))};
    }
    // Namespaces: how many of their pairs are connected; outside addresses stay by themselves.
    function grouped() {
      const sizes = (ends) => {
        const out = new Map();
        for (const e of ends) out.set(spaceOf(e), (out.get(spaceOf(e)) || 0) + 1);
        return [...out].sort(([a], [b]) => a < b ? -1 : 1);
      };
      const rows = sizes(from), columns = sizes(to);
      const rowAt = new Map(rows.map(([name], i) => [name, i])), columnAt = new Map(columns.map(([name], i) => [name, i]));
      const out = new Map();
      for (const c of each.values()) {
        const i = rowAt.get(spaceOf(from[c.i])), j = columnAt.get(spaceOf(to[c.j])), key = i * columns.length + j;
        const sum = out.get(key) || {i, j, count: 0, level: 0, maybe: false, ways: new Set()};
        ++sum.count;
        sum.level = Math.max(sum.level, c.level);
        sum.maybe = sum.maybe || c.shade === 'maybe';
        sum.ways.add(c.way);
        out.set(key, sum);
      }
      for (const sum of out.values()) {
        sum.shade = sum.maybe ? 'maybe' : LOOKS[sum.level];
        sum.text = String(sum.count);
        sum.tells = told(sum.count, rows[sum.i][1] * columns[sum.j][1], [...sum.ways].sort()[0], sum.ways.size - 1, true);
      }
      return {from: rows.map(([name]) => name), to: columns.map(([name]) => name), cells: out};
    }
    const spaces = n ? given() : grouped(), all = n ? spaces : {from, to, cells: each};
    const sum = (axis) => axis.reduce((total, [, count]) => total + count, 0);
    $('reachabout').textContent = `Layer ${S[r.layer]}: ${n ? sum(n.from) : from.length} sources, ${n ? sum(n.to) : to.length} destinations, ${n ? n.pairs : r.cells.length} connected pairs. ` +
      'The darker, the more ports are open; striped where the manifests do not tell.' +
      (n ? ' Namespaces alone are in this file; `waypath reach --from NAMESPACE --to NAMESPACE` lists their workloads.' : '');
    let pair = null;  // of namespaces whose workloads are shown

    // Rows and columns of what is shown: those whose names hold the word, against all others they meet.
    function picked() {
      const of = $('reachgroup').value ? spaces : all, word = $('reachsearch').value.toLowerCase();
      let rows = of.from.map((n, i) => [n, i]), columns = of.to.map((n, i) => [n, i]);
      if (pair && of === all) {
        rows = rows.filter(([n]) => spaceOf(n) === pair[0]);
        columns = columns.filter(([n]) => spaceOf(n) === pair[1]);
      } else if (word) {
        const hit = (n) => n.toLowerCase().includes(word), keepRow = new Set(), keepColumn = new Set();
        rows.forEach(([n, i]) => { if (hit(n)) keepRow.add(i); });
        columns.forEach(([n, j]) => { if (hit(n)) keepColumn.add(j); });
        const own = [new Set(keepRow), new Set(keepColumn)];
        for (const {i, j} of of.cells.values()) {
          if (own[0].has(i)) keepColumn.add(j);
          if (own[1].has(j)) keepRow.add(i);
        }
        rows = rows.filter(([, i]) => keepRow.has(i));
        columns = columns.filter(([, j]) => keepColumn.has(j));
      }
      return {of, rows, columns};
    }
    function render() {
      let {of, rows, columns} = picked();
      const cut = rows.length > LIMIT || columns.length > LIMIT;
      $('reachcount').textContent = `${rows.length} row${rows.length === 1 ? '' : 's'}, ${columns.length} column${columns.length === 1 ? '' : 's'}` +
        (pair && of === all ? ` of ${pair[0]} \u2192 ${pair[1]}` : '') +
        (cut ? `; the first ${LIMIT} of each are drawn: search${of === spaces ? '' : ', or show them by namespace'}` : '');
      $('reachcount').classList.toggle('refused', cut);
      $('reachback').hidden = !(pair && of === all);
      rows = rows.slice(0, LIMIT);
      columns = columns.slice(0, LIMIT);
      $('matrix').classList.toggle('counts', of === spaces);
      const head = el('tr', {}, el('th', {class: 'corner', scope: 'col'}, 'from \\ to'), ...columns.map(([n]) => el('th', {class: 'column', scope: 'col', title: n}, el('div', {}, n))));
      $('matrix').replaceChildren(el('thead', {}, head), el('tbody', {}, ...rows.map(([n, i], row) => el('tr', {}, el('th', {class: 'row', scope: 'row', title: n}, n),
        ...columns.map(([m, j], column) => {
          const c = of.cells.get(i * of.to.length + j);
          return el('td', {class: c ? c.shade : '', tabindex: row === 0 && column === 0 ? '0' : '-1', 'data-cell': `${i},${j}`, 'aria-label': `${n} to ${m}: ${c ? c.tells : 'nothing'}`}, c ? c.text : '');
        })))));
    }
    const current = () => $('reachgroup').value ? spaces : all;
    function tell(td) {
      const [i, j] = td.dataset.cell.split(',').map(Number), of = current(), c = of.cells.get(i * of.to.length + j);
      $('matrix').querySelectorAll('.chosen').forEach((e) => e.classList.remove('chosen'));
      td.classList.add('chosen');
      $('cell').textContent = `${of.from[i]} \u2192 ${of.to[j]}: ${c === undefined ? 'nothing' : c.tells}`;
    }
    function enter(td) {
      const [i, j] = td.dataset.cell.split(',').map(Number), of = current();
      if (n || of !== spaces || !of.cells.has(i * of.to.length + j)) return tell(td);
      pair = [of.from[i], of.to[j]];
      $('reachgroup').value = '';
      render();
      $('matrix').querySelector('td')?.focus();
    }
    $('matrix').addEventListener('click', (e) => { const td = e.target.closest('td'); if (td) { td.focus(); tell(td); } });
    $('matrix').addEventListener('dblclick', (e) => { const td = e.target.closest('td'); if (td) enter(td); });
    $('matrix').addEventListener('keydown', (e) => {
      const td = e.target.closest('td');
      if (!td) return;
      const at = td.cellIndex;
      const next = {ArrowRight: td.nextElementSibling, ArrowLeft: td.previousElementSibling, ArrowDown: td.parentElement.nextElementSibling?.cells[at],
        ArrowUp: td.parentElement.previousElementSibling?.cells[at]}[e.key];
      if (next && next.tagName === 'TD') {
        e.preventDefault();
        td.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
        tell(next);
      }
      if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); enter(td); }
      if (e.key === 'Escape' && pair) { e.preventDefault(); back(); }
    });
    function back() {
      pair = null;
      $('reachgroup').value = 'ns';
      render();
      $('matrix').querySelector('td')?.focus();
    }
    $('reachback').addEventListener('click', back);
    $('reachsearch').addEventListener('input', () => { pair = null; render(); });
    $('reachgroup').addEventListener('change', () => { pair = null; render(); });
    if (n || from.length > LIMIT || to.length > LIMIT) $('reachgroup').value = 'ns';
    $('reachgroup').parentElement.hidden = Boolean(n) || (spaces.from.length < 2 && spaces.to.length < 2);
    render();
    if (r.exposure.length)
      $('exposure').append(el('h2', {}, 'Exposure'), el('table', {class: 'plain'},
        el('thead', {}, el('tr', {}, ...['workload', 'open to any pod', 'to the internet', 'by Ingress'].map((h) => el('th', {scope: 'col'}, h)))),
        el('tbody', {}, ...r.exposure.map((row) => el('tr', {}, ...row.map((s) => el('td', {}, S[s] || '-')))))));
  }

  // ---- findings: [change, severity, code, namespace, object, message, fix] by position ----
  const SEVERITIES = ['error', 'warning', 'info'];
  const STEP = 200;
  const found = data.findings.map((f) => ({
    change: S[f[0]], severity: S[f[1]], code: S[f[2]], namespace: S[f[3]], object: f[4], message: S[f[5]], fix: S[f[6]],
  })).map((f) => ({...f, text: [f.change, f.severity, f.code, S[f.object[0]], S[f.object[2]], f.message, f.fix].join(' ').toLowerCase()}))
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  let limit = STEP;
  function finding(f) {
    const style = {error: 'refused', warning: 'unknown'}[f.severity] || 'remark';
    return el('li', {}, el('p', {}, f.change ? el('b', {class: f.change === 'gone' ? 'allow' : ''}, f.change, ' ') : '', el('span', {class: `chip ${style}`}, f.severity), ' ',
      el('code', {}, f.code), ' ', el('span', {class: 'faint'}, S[data.codes[f.code]] || '')),
    el('p', {}, f.message), f.fix ? el('p', {}, el('b', {}, 'Fix: '), f.fix) : '', el('p', {class: 'at'}, object(f.object)));
  }
  function findings() {
    const words = $('findingsearch').value.toLowerCase().split(/\s+/).filter((w) => w);
    const want = {severity: $('severity').value, change: $('findingchange').value, namespace: $('findingnamespace').value, code: $('findingcode').value};
    const fit = found.filter((f) => words.every((w) => f.text.includes(w)) && Object.entries(want).every(([key, value]) => !value || f[key] === value));
    const drawn = printing ? fit.length : Math.min(limit, fit.length);
    $('findingcount').textContent = (fit.length === found.length ? `${found.length} findings` : `${fit.length} of ${found.length} findings`) +
      (drawn < fit.length ? `; the first ${drawn} are shown` : '');
    $('findinglist').replaceChildren(...fit.slice(0, drawn).map(finding));
    $('findingmore').hidden = drawn >= fit.length;
  }
  function startFindings() {
    options($('severity'), found.map((f) => f.severity), 'all severities');
    options($('findingchange'), found.map((f) => f.change), 'new and gone');
    options($('findingnamespace'), found.map((f) => f.namespace), 'all namespaces');
    options($('findingcode'), found.map((f) => f.code), 'all codes');
    const again = () => { limit = STEP; findings(); };
    for (const id of ['severity', 'findingchange', 'findingnamespace', 'findingcode']) $(id).addEventListener('change', again);
    $('findingsearch').addEventListener('input', again);
    $('findingfilters').addEventListener('submit', (e) => e.preventDefault());
    $('findingclear').addEventListener('click', () => { $('findingfilters').reset(); again(); $('findingsearch').focus(); });
    $('findingmore').addEventListener('click', () => { limit += STEP; findings(); });
    findings();
  }

  // ---- policies ----
  const deciding = Object.keys(data.sources).filter((id) => data.sources[id].flows > 0).sort();
  function policies() {
    for (const id of deciding) {
      const p = data.sources[id];
      const d = el('details', {}, el('summary', {}, el('b', {}, id), ` ${p.place} `, el('span', {class: 'faint'}, `decides ${p.flows} flow${p.flows === 1 ? '' : 's'}`)));
      d.addEventListener('toggle', () => { if (d.open && !d.querySelector('pre')) d.append(source(id, new Set(p.marks))); });
      $('policylist').append(d);
    }
  }

  // ---- parts ----
  const PARTS = [
    ['flows', `Flows (${flows.length})`, flows.length > 0],
    ['reach', 'Reach', Boolean(data.reach)],
    ['findings', `Findings (${data.findings.length})`, data.findings.length > 0],
    ['policies', `Policies (${deciding.length})`, deciding.length > 0],
  ];
  function open(part) {
    for (const [id, , there] of PARTS) {
      $(id).hidden = id !== part;
      $(id).classList.toggle('empty', !there);
      const tab = $(`tab-${id}`);
      if (!tab) continue;
      tab.setAttribute('aria-selected', String(id === part));
      tab.tabIndex = id === part ? 0 : -1;
    }
    if (part === 'flows') draw();
  }
  function start() {
    $('title').textContent = data.title;
    $('about').textContent = data.about;
    for (const [label, value, style] of data.summary) $('summary').append(el('li', {}, el('b', {class: style}, String(value)), label));
    for (const [id, title, there] of PARTS)
      if (there) $('tabs').append(el('button', {type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': id, onclick: () => open(id)}, title));
    $('tabs').addEventListener('keydown', (e) => {
      const tabs = [...$('tabs').children], at = tabs.indexOf(document.activeElement);
      const next = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1}[e.key];
      if (next === undefined || !tabs[next]) return;
      tabs[next].focus();
      tabs[next].click();
    });
    for (const c of COLUMNS) {
      const th = el('th', {scope: 'col', class: c.wide ? `wide ${c.key}` : c.key, style: c.width ? `width:${c.width}` : undefined, 'aria-sort': 'none'});
      th.append(el('button', {type: 'button', onclick: () => {
        sorted = {key: c.key, down: sorted.key === c.key && !sorted.down};
        for (const other of $('heads').children) other.setAttribute('aria-sort', 'none');
        th.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending');
        filter();
      }}, c.title));
      $('heads').append(th);
    }
    $('status').previousSibling.textContent = `${data.statusTitle} `;
    options($('outcome'), flows.map((f) => f.outcome), 'all outcomes');
    options($('status'), flows.map((f) => f.status), 'all');
    options($('reason'), flows.map((f) => f.reason), 'all reasons');
    options($('namespace'), flows.flatMap((f) => f.namespaces), 'all namespaces');
    for (const id of ['outcome', 'status', 'reason', 'namespace']) $(id).addEventListener('change', filter);
    let waiting = 0;
    $('search').addEventListener('input', () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(filter); });
    $('filters').addEventListener('submit', (e) => e.preventDefault());
    $('reachfilters').addEventListener('submit', (e) => e.preventDefault());
    $('clear').addEventListener('click', () => { $('filters').reset(); filter(); $('search').focus(); });
    let frame = 0;
    $('scroller').addEventListener('scroll', () => { if (!frame) frame = requestAnimationFrame(() => { frame = 0; draw(); }); });
    $('rows').addEventListener('click', (e) => { const tr = e.target.closest('tr[data-at]'); if (tr) choose(Number(tr.dataset.at), true); });
    $('rows').addEventListener('keydown', (e) => {
      const tr = e.target.closest('tr[data-at]');
      if (!tr) return;
      const at = Number(tr.dataset.at), page = Math.max(1, Math.floor($('scroller').clientHeight / ROW) - 1);
      const next = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.min(shown.length - 1, at + page), PageUp: Math.max(0, at - page), Home: 0, End: shown.length - 1}[e.key];
      if (next !== undefined) { e.preventDefault(); choose(next, true); }
      if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); choose(at, false); $('detail').focus(); }
    });
    document.addEventListener('keydown', (e) => {
      const search = {flows: 'search', reach: 'reachsearch', findings: 'findingsearch'}[PARTS.map(([id]) => id).find((id) => !$(id).hidden)];
      if (e.key === '/' && search && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { e.preventDefault(); $(search).focus(); }
      if (e.key === 'Escape' && document.activeElement === $('detail')) $('rows').querySelector('[aria-selected="true"]')?.focus();
    });
    addEventListener('resize', () => { if (!$('flows').hidden) draw(); });
    addEventListener('beforeprint', () => { printing = true; draw(); findings(); });
    addEventListener('afterprint', () => { printing = false; draw(); findings(); });
    matrix();
    startFindings();
    policies();
    open((PARTS.find(([, , there]) => there) || PARTS[0])[0]);
    filter();
    const linked = /^#flow-(\d+)$/.exec(location.hash);
    if (linked && flows[Number(linked[1])]) choose(shown.findIndex((f) => f.i === Number(linked[1])), false);
  }
  start();
})();
