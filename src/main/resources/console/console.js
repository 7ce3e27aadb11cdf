'use strict';
// Everything that is shown comes in as text and goes out as text: no HTML is ever made of it.

const HOUR = 3600e3;
const LETTERS_SHOWN = 20;
const history = new Map(); // by job: looks of the last hour
let since = 0;
let token = null;
let waiting = false;
let saying = null;

const $ = id => document.getElementById(id);

function el(name, attributes, ...children) {
  const made = document.createElement(name);
  fill(made, attributes, children);
  return made;
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  fill(made, attributes, children);
  return made;
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'onclick') made.addEventListener('click', value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) made.append(child instanceof Node ? child : String(child));
  }
}

// ---- words

function age(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 10) return Math.max(0, seconds).toFixed(1) + ' s';
  if (seconds < 120) return Math.round(seconds) + ' s';
  if (seconds < 7200) return Math.floor(seconds / 60) + ' min';
  if (seconds < 172800) return Math.floor(seconds / 3600) + ' h';
  return Math.floor(seconds / 86400) + ' d';
}

function ago(time, now) {
  return time ? age((now - Date.parse(time)) / 1000) + ' ago' : '–';
}

function count(number) {
  return number === null || number === undefined ? '–' : number.toLocaleString('en');
}

function rate(number) {
  if (number === null || number === undefined) return '–';
  return number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString('en');
}

function bytes(number) {
  if (number === null || number === undefined) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) { number /= 1024; unit++; }
  return (number < 10 && unit > 0 ? number.toFixed(1) : Math.round(number)) + ' ' + units[unit];
}

function stamp(time) {
  const date = new Date(time);
  const two = n => String(n).padStart(2, '0');
  return date.getFullYear() + '-' + two(date.getMonth() + 1) + '-' + two(date.getDate()) + ' '
    + two(date.getHours()) + ':' + two(date.getMinutes()) + ':' + two(date.getSeconds());
}

function pill(text, kind) {
  return el('span', {class: 'pill ' + (kind || '')}, text);
}

function fact(name, value, small) {
  return el('div', {}, el('dt', {}, name), el('dd', {class: small ? 'small' : null}, value));
}

// ---- acts

function act(label, path, title) {
  return token === null ? null : el('button', {type: 'button', title, 'data-act': path, onclick: event => run(event.target, path)}, label);
}

async function run(button, path) {
  button.disabled = true;
  try {
    const response = await fetch('/console/' + path, {method: 'POST', headers: {Authorization: 'Bearer ' + token}});
    const answer = await response.json();
    if (response.status === 401) setToken(null);
    say(answer.said, !response.ok);
  } catch (failure) {
    say('pgcaravan does not answer: ' + failure.message, true);
  }
  button.disabled = false;
  look();
}

function say(text, bad) {
  $('said').textContent = text;
  $('said').className = bad ? 'bad' : '';
  $('said').hidden = false;
  clearTimeout(saying);
  // what went wrong stays until the next act
  if (!bad) saying = setTimeout(() => { $('said').hidden = true; }, 20e3);
}

function setToken(given) {
  token = given;
  $('token').value = '';
}

$('unlock').addEventListener('submit', event => {
  event.preventDefault();
  if ($('token').value) {
    setToken($('token').value);
    $('said').hidden = true;
    look();
  }
});
$('lock').addEventListener('click', () => { setToken(null); look(); });

// ---- plots

function plot(title, points, pick, format, kind) {
  const known = points.filter(point => pick(point) !== null);
  const now = points.length ? points[points.length - 1].at : Date.now();
  // as much as there is: an hour, where it has run that long
  const span = Math.min(HOUR, Math.max(300e3, points.length ? now - points[0].at : 0));
  const highest = Math.max(0, ...known.map(pick));
  const top = nice(highest);
  const x = at => 600 - (now - at) / span * 600;
  const y = value => 96 - value / top * 88;
  const graph = svg('svg', {
    class: 'graph ' + kind, viewBox: '0 0 600 100', preserveAspectRatio: 'none', role: 'img',
    'aria-label': title + ' over ' + age(span / 1000) + '; highest ' + format(highest),
  });
  for (const line of [8, 52]) graph.append(svg('line', {class: 'grid', x1: 0, x2: 600, y1: line, y2: line}));
  for (const run of runs(known)) {
    const path = run.map(point => x(point.at).toFixed(1) + ',' + y(pick(point)).toFixed(1)).join(' L');
    graph.append(svg('path', {
      class: 'area', d: 'M' + x(run[0].at).toFixed(1) + ',96 L' + path + ' L' + x(run[run.length - 1].at).toFixed(1) + ',96 Z',
    }));
    graph.append(svg('path', {class: 'line', d: 'M' + path + (run.length === 1 ? ' h1' : '')}));
  }
  return el('figure', {class: 'plot'},
    el('div', {class: 'top'}, el('span', {}, title), el('span', {}, format(top))),
    graph,
    el('figcaption', {}, el('span', {}, age(span / 1000) + ' ago'), el('span', {}, 'now')));
}

// where nothing was seen for a while the line breaks
function runs(points) {
  const all = [];
  for (const point of points) {
    const last = all[all.length - 1];
    if (last && point.at - last[last.length - 1].at < 60e3) last.push(point);
    else all.push([point]);
  }
  return all;
}

function nice(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map(step => step * power).find(step => step >= value);
}

// ---- partitions

const DAY = 86400e3;

function calendar(table) {
  const dated = table.parts.filter(part => part.from && part.to);
  // the shades by quarters of the partitions, so that one large one does not make all others look empty
  const sorted = table.parts.map(part => part.rows || 0).filter(rows => rows > 0).sort((a, b) => a - b);
  const bounds = [0.25, 0.5, 0.75].map(share => sorted[Math.floor(share * sorted.length)]);
  const most = sorted.length ? sorted[sorted.length - 1] : 0;
  const daily = dated.length === table.parts.length && dated.length > 0
    && dated.every(part => Math.abs(Date.parse(part.to) - Date.parse(part.from) - DAY) <= HOUR);
  return el('div', {},
    el('h4', {}, table.table),
    el('div', {class: 'calendar', tabindex: 0, role: 'group', 'aria-label': 'Partitions of ' + table.table},
      daily ? days(table, dated, bounds) : cells(table, bounds)),
    el('div', {class: 'legend'},
      count(table.partitions) + (table.partitions === 1 ? ' partition' : ' partitions')
        + (table.newest ? ', newest ' + table.newest : '')
        + (table.nextDropped ? '; next to be dropped: ' + table.nextDropped
          + (table.droppedAt ? ' from ' + table.droppedAt.slice(0, 10) : '') : '')
        + ' · rows: 0 ',
      [0, 1, 2, 3, 4].map(step => svg('svg', {viewBox: '0 0 11 11', 'aria-hidden': 'true'},
        svg('rect', {class: 'h' + step, width: 11, height: 11, rx: 2}))),
      ' ' + count(most)));
}

function heat(rows, bounds) {
  return rows ? 'h' + (1 + bounds.filter(bound => rows > bound).length) : 'h0';
}

function cell(part, table, bounds, x, y) {
  return svg('rect', {
    class: heat(part.rows, bounds) + (part.name === table.nextDropped ? ' goes' : ''), x, y, width: 12, height: 12, rx: 2.5,
  }, svg('title', {}, part.name + ': ' + (part.rows === null ? 'rows unknown' : 'about ' + count(part.rows) + ' rows')
    + (part.from ? ', from ' + part.from.slice(0, 16).replace('T', ' ') : '')));
}

// weeks from left to right, Monday on top; long gaps between partitions are left out
function days(table, parts, bounds) {
  const sorted = [...parts].sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  // the middle of the day: whatever the time zone of the partitions, it is that day
  const dayOf = part => Math.floor((Date.parse(part.from) + DAY / 2) / DAY);
  const weekOf = day => Math.floor((day + 3) / 7); // the first of January 1970 was a Thursday
  const drawn = svg('svg', {height: 7 * 15 + 18});
  let column = -1;
  let week = null;
  let month = '';
  let labelled = -9;
  for (const part of sorted) {
    const day = dayOf(part);
    if (weekOf(day) !== week) {
      column += week === null || weekOf(day) - week === 1 ? 1 : 2;
      week = weekOf(day);
    }
    const date = new Date(day * DAY);
    const name = date.toLocaleString('en', {month: 'short', timeZone: 'UTC'}) + ' ' + date.getUTCFullYear();
    if (name !== month && column - labelled >= 4) {
      drawn.append(svg('text', {x: column * 15, y: 10}, name));
      labelled = column;
      month = name;
    }
    drawn.append(cell(part, table, bounds, column * 15, 16 + ((day + 3) % 7 + 7) % 7 * 15));
  }
  drawn.setAttribute('width', Math.max((column + 1) * 15, (labelled + 4) * 15));
  return drawn;
}

function cells(table, bounds) {
  const across = 32;
  const drawn = svg('svg', {
    width: Math.min(across, Math.max(1, table.parts.length)) * 15, height: Math.max(1, Math.ceil(table.parts.length / across)) * 15,
  });
  table.parts.forEach((part, i) => drawn.append(cell(part, table, bounds, i % across * 15, Math.floor(i / across) * 15)));
  return drawn;
}

// ---- sections

function section(id, title, ...content) {
  const shown = content.flat().filter(part => part !== null);
  $(id).replaceChildren(...(shown.length ? [el('h2', {}, title), ...shown] : []));
}

function isAway(route) {
  return Boolean(route) && route.state !== 'Started';
}

// the buttons that suspend a route, let it go on, or leave it to the process that stands by
function turn(route) {
  if (!route) return null;
  const query = '?route=' + encodeURIComponent(route.route);
  if (isAway(route)) return act('Resume', 'resume' + query);
  return [
    act('Suspend', 'suspend' + query, route.runs ? 'no more batches; the lock is kept, so that no other process takes over' : null),
    route.runs ? act('Hand over', 'hand-over' + query, 'stops here; a process that stands by takes over') : null,
  ];
}

function showJobs(page, now) {
  const states = new Map(page.routes.map(route => [route.route, route]));
  section('jobs', 'Jobs', page.status.jobs.map(job => {
    const route = states.get(job.route);
    const wrong = page.status.problems.some(problem => problem.subject === job.route || problem.subject === 'consumer ' + job.consumer);
    const running = {ACTIVE: ['active', wrong ? 'warn' : 'good'], FAILING: ['failing', 'bad'], NOBODY: ['nobody runs it', 'bad'], UNKNOWN: ['unknown', 'warn']}[job.running];
    const points = history.get(job.target + ' ' + job.consumer) || [];
    return el('article', {class: 'card', 'data-job': job.consumer},
      el('div', {class: 'head'},
        el('h3', {}, job.route || 'consumer ' + job.consumer),
        isAway(route) ? pill(route.state.toLowerCase() + (route.runs ? ', keeps its lock' : ''), 'warn') : pill(running[0], running[1]),
        route && !isAway(route) && !route.runs ? pill('this process stands by') : null,
        job.lost ? pill('position lost', 'bad') : null,
        el('span', {class: 'space'}),
        turn(route)),
      el('span', {class: 'quiet route'}, 'queue ' + job.queue + ' of ' + (job.source || 'a database that is not known here')
        + ' → ' + job.target + ', consumer ' + job.consumer),
      el('dl', {},
        fact('lag', age(job.lag)), fact('events pending', count(job.pendingEvents)),
        fact('events a second', rate(job.eventsPerSecond)),
        fact('last batch', ago(job.appliedAt, now)), fact('its rows', count(job.rows)),
        fact('tick', job.tick === null ? '–' : String(job.tick)),
        fact('dead letters', count(job.deadLetters))),
      el('div', {class: 'plots'},
        plot('lag', points, point => point.lag, age, 'lag'),
        plot('events a second', points, point => point.rate, rate, 'rate')),
      job.tables.map(calendar));
  }));
}

function showSets(page, now) {
  const exporting = page.routes.filter(route => route.exports);
  const cards = page.status.exports.map(set => {
    const imported = page.status.imports.find(other => other.table === set.table && other.publishedSets === set.published);
    const route = page.routes.find(other => other.route === set.route);
    const reserved = set.state === 'reserved';
    const written = reserved ? set.last - 1 : set.last;
    const step = (name, value, kind, when) => el('div', {class: kind}, el('b', {}, String(value)), el('span', {}, name), el('span', {}, when));
    return el('article', {class: 'card'},
      el('div', {class: 'head'}, el('h3', {}, set.table), el('span', {class: 'quiet'}, '→ ' + set.target),
        isAway(route) ? pill(route.state.toLowerCase(), 'warn') : null,
        el('span', {class: 'space'}),
        route ? act('Export now', 'export?route=' + encodeURIComponent(set.route)) : null,
        turn(route)),
      el('div', {class: 'way'},
        step('written', written, reserved ? 'open' : 'done', reserved ? 'set ' + set.last + ' begun' : ''),
        step('published', set.published, set.published === set.last ? 'done' : 'open', ago(set.publishedAt, now)),
        imported ? step('imported', imported.set === null ? '–' : imported.set,
          imported.missing !== null || imported.diverged ? 'bad' : imported.set === set.published ? 'done' : 'open',
          imported.missing !== null ? 'set ' + imported.missing + ' is missing' : ago(imported.appliedAt, now))
          : step('imported', '?', '', 'its database is not here'),
        step('acknowledged', set.acknowledged, set.overdue ? 'bad' : set.acknowledged === set.published ? 'done' : 'open',
          set.overdue ? count(set.overdue) + ' overdue, since ' + ago(set.onItsWaySince, now).replace(' ago', '')
            : set.acknowledged ? ago(set.acknowledgedAt, now) : 'nothing came back yet')),
      el('p', {class: 'quiet'}, set.oldestChange === null ? 'every change has its set'
        : 'the oldest change without a set is ' + (set.exact ? '' : 'at most ')
          + age((now - Date.parse(set.oldestChange)) / 1000) + ' old',
      set.waiting ? ' · ' + count(set.waiting) + (set.waiting === 1 ? ' set is' : ' sets are') + ' not acknowledged' : null));
  });
  const others = page.status.imports.filter(set => set.publishedSets === null).map(set =>
    el('article', {class: 'card'},
      el('div', {class: 'head'}, el('h3', {}, set.table), el('span', {class: 'quiet'}, 'imported into ' + set.database),
        set.missing !== null ? pill('gap', 'bad') : set.diverged ? pill('diverged', 'bad') : null),
      el('dl', {},
        fact('last set', set.set === null ? '–' : String(set.set)), fact('applied', ago(set.appliedAt, now)),
        fact('in the drop directory', count(set.here)),
        fact('missing', set.missing === null ? 'none' : set.missing === set.missingTo ? String(set.missing)
          : set.missing + ' to ' + set.missingTo))));
  const asked = exporting.filter(route => !page.status.exports.some(set => set.route === route.route));
  const first = token === null ? [] : asked.map(route => el('p', {}, 'route ' + route.route + ' has exported nothing yet ',
    act('Export now', 'export?route=' + encodeURIComponent(route.route))));
  const all = [...cards, ...others, ...first];
  section('sets', 'Change sets', all.length ? el('div', {class: 'cards'}, all) : null);
}

function rows(headings, lines) {
  return el('div', {class: 'card scroll'}, el('table', {class: 'stack'},
    el('thead', {}, el('tr', {}, headings.map(heading => el('th', {scope: 'col'}, heading)))),
    el('tbody', {}, lines.map(line => el('tr', {}, line.map((value, i) => el('td', {
      'data-th': headings[i], class: typeof value === 'string' && value.length > 30 ? 'wide' : 'nowrap',
    }, value)))))));
}

function showLetters(page) {
  const letters = page.status.jobs.flatMap(job => job.letters.map(letter => ({job, letter})));
  letters.sort((a, b) => Date.parse(b.letter.at) - Date.parse(a.letter.at));
  const all = page.status.jobs.reduce((sum, job) => sum + job.deadLetters, 0);
  section('letters', 'Dead letters', letters.length === 0 ? [] : rows(
    ['at', 'job', 'event', 'reason'].concat(token === null ? [] : ['']),
    letters.slice(0, LETTERS_SHOWN).map(({job, letter}) => [stamp(letter.at), job.route || job.consumer, letter.event, letter.error]
      .concat(token === null ? [] : [job.route
        ? act('Retry', 'retry?route=' + encodeURIComponent(job.route) + '&id=' + letter.id) : '']))),
  all > Math.min(letters.length, LETTERS_SHOWN)
    ? el('p', {class: 'quiet'}, 'the latest of ' + count(all) + '; caravan dead-letter list shows all') : null);
}

function showRest(page) {
  section('log', 'Recent warnings and errors', page.log.length === 0 ? [] : rows(['at', 'level', 'message'],
    page.log.map(line => [stamp(line.at), pill(line.level, line.level === 'warn' ? 'warn' : 'bad'), line.message])));
  const places = page.status.databases.map(database => [database.name, database.up ? pill('up', 'good') : pill('down', 'bad'),
    database.up ? 'PostgreSQL ' + database.version : database.error, database.address]);
  const drops = page.status.drops.map(drop => [drop.route, drop.free === null ? pill('unknown', 'bad')
    : pill(Math.round(100 * drop.free / drop.total) + ' % free', drop.free < drop.total / 10 ? 'bad' : 'good'),
  bytes(drop.free) + ' of ' + bytes(drop.total), drop.directory]);
  section('places', 'Databases and drop directories', rows(['name', 'state', 'what', 'where'], places.concat(drops)));
}

function showNothing(page) {
  const nothing = page.status.jobs.length + page.status.exports.length + page.status.imports.length === 0
    && page.routes.every(route => !route.exports);
  $('nothing').hidden = !nothing;
}

function showProblems(page) {
  const problems = page.status.problems;
  $('problems').replaceChildren(...(problems.length ? [el('ul', {}, problems.map(problem =>
    el('li', {}, el('b', {}, problem.subject), problem.said)))] : []));
  $('state').textContent = problems.length === 0 ? 'nothing is wrong'
    : problems.length === 1 ? '1 problem' : problems.length + ' problems';
  $('state').className = 'pill ' + (problems.length ? 'bad' : 'good');
  document.title = (problems.length ? '(' + problems.length + ') ' : '') + 'pgcaravan';
}

function remember(page) {
  for (const [job, points] of Object.entries(page.history)) {
    const kept = (history.get(job) || []).concat(points);
    history.set(job, kept.filter(point => point.at > kept[kept.length - 1].at - HOUR));
    if (points.length) since = Math.max(since, points[points.length - 1].at);
  }
}

// ---- the loop

// a person who is about to press a button, or reads something sideways, is not to lose the place
function places() {
  const buttons = [...document.querySelectorAll('main button')];
  return {
    first: !document.body.dataset.ready,
    scrolled: [...document.querySelectorAll('.calendar, .scroll')].map(part => part.scrollLeft),
    button: buttons.indexOf(document.activeElement),
    act: document.activeElement.dataset.act,
    visible: document.activeElement.matches(':focus-visible'),
  };
}

function restore(kept) {
  document.querySelectorAll('.calendar, .scroll').forEach((part, i) => {
    // the newest partitions first
    part.scrollLeft = kept.first && part.classList.contains('calendar') ? part.scrollWidth : kept.scrolled[i] || 0;
  });
  if (kept.button < 0) return;
  const buttons = [...document.querySelectorAll('main button')];
  // the same one, or what has come in its place
  const same = buttons.find(button => button.dataset.act === kept.act) || buttons[kept.button];
  if (same) same.focus({preventScroll: true, focusVisible: kept.visible});
}

async function look() {
  if (waiting) return;
  waiting = true;
  try {
    const response = await fetch('/console/status?since=' + since);
    if (!response.ok) throw new Error('status ' + response.status);
    const page = await response.json();
    remember(page);
    $('version').textContent = page.version.replace(/^pgcaravan /, '');
    $('unlock').hidden = !page.acts || token !== null;
    $('lock').hidden = token === null;
    if (page.status) {
      const now = Date.parse(page.status.at);
      $('at').textContent = stamp(page.status.at);
      showProblems(page);
      const kept = places();
      showJobs(page, now);
      showSets(page, now);
      showLetters(page);
      showRest(page);
      showNothing(page);
      restore(kept);
      document.body.classList.remove('stale');
      document.body.dataset.ready = 'true';
    }
  } catch (failure) {
    $('state').textContent = 'pgcaravan does not answer';
    $('state').className = 'pill bad';
    document.title = '(!) pgcaravan';
    // what is below is as it was at the time that stands above
    document.body.classList.add('stale');
  }
  waiting = false;
}

look();
setInterval(() => { if (!document.hidden) look(); }, 3000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
