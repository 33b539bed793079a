// What lies around the item: the cells of the day, the list of what was just handled, and the way back through it.

const RAIL_EVERY = 10;  // decisions after which the counts of the queue are asked for again
const byId = id => document.getElementById(id);
const main = byId('main');
const history = [...document.querySelectorAll('#recent [data-op]')].reverse().map(li => li.dataset.op);
let since = 0;

export const last = () => history.at(-1);
export const done = () => Number(byId('day-done').textContent);
export const stale = () => since >= RAIL_EVERY;

// The day goes on by one: its cell, its numbers.
export function count(letter) {
  since += 1;
  change(letter, 1);
  main.querySelectorAll('.cells.mine').forEach(cells => {
    const now = cells.querySelector('.now');
    const next = now?.nextElementSibling;
    if (!now) return;
    now.className = letter;
    if (next) next.className = 'now';
    else cells.append(Object.assign(document.createElement('i'), { className: 'now' }));
  });
}

export function uncount(letter, op) {
  forget(op);
  change(letter, -1);
  main.querySelectorAll('.cells.mine').forEach(cells => {
    [...cells.querySelectorAll(`i.${letter}`)].at(-1)?.remove();
    cells.append(document.createElement('i'));
  });
}

function change(letter, by) {
  byId('day-done').textContent = done() + by;
  const place = main.querySelector(`[data-count="${letter}"]`);
  if (place) place.textContent = Number(place.textContent) + by;
}

export function remember(op, title) {
  history.push(op);
  history.splice(0, history.length - 20);
  const line = byId('t-recent').content.cloneNode(true).firstElementChild;
  line.dataset.op = op;
  line.querySelector('.what').textContent = title.slice(0, 60);
  byId('recent').prepend(line);
}

export function forget(op) {
  const at = history.indexOf(op);
  if (at >= 0) history.splice(at, 1);
  line(op)?.remove();
}

const line = op => byId('recent').querySelector(`[data-op="${CSS.escape(op)}"]`);

// The server has it: its line is the server's now.
export function made(op, content) {
  line(op)?.replaceWith(content);
}

export function refresh(content) {
  since = 0;
  for (const name of ['.stripgoal', '.rail', '#queues']) {
    const fresh = content.querySelector(name);
    const old = main.querySelector(name);
    if (fresh && old && !old.matches(':popover-open') && !old.contains(document.activeElement)) old.replaceWith(fresh);
  }
}
