// The items at hand: the one on the screen and the next ones, rendered already. A card is { key, pair, token, at, opened, nodes }.

const place = () => document.getElementById('item');
const next = [];
let shown = null;

export const now = () => shown;
export const waiting = () => next.length;
export const have = () => [shown, ...next].filter(card => card?.key).map(card => card.key);
export const find = key => next.find(card => card.key === key);

// A card of what is rendered: a fragment of the server's answer, or what is on the screen when the page has loaded.
export function card(nodes) {
  const work = nodes.querySelector('.work');
  const { assignment = '', pair = '', token = '' } = work.dataset;
  return { key: assignment, pair, token, at: Date.now(), opened: false, nodes };
}

export function begin() {
  shown = { ...card(place()), opened: true, nodes: null };
  return shown;
}

export function add(one, { front = false } = {}) {
  if (have().includes(one.key)) return;
  if (front) next.unshift(one);
  else next.push(one);
}

export function drop(key) {
  const at = next.findIndex(card => card.key === key);
  if (at >= 0) next.splice(at, 1);
}

// Put a card that passes `test` to the front. False when there is none.
export function raise(test) {
  const found = next.find(one => test(one.nodes));
  if (!found) return false;
  drop(found.key);
  next.unshift(found);
  return true;
}

// Take what is on the screen off it, as a card with all that was typed into it.
export function lift() {
  const old = shown;
  const nodes = document.createDocumentFragment();
  nodes.append(...place().childNodes);
  if (old) old.nodes = nodes;
  shown = null;
  return old;
}

export function lay(one) {
  shown = one;
  place().replaceChildren(one.nodes);
  one.nodes = null;
  return one;
}

export function turn() {
  return next.length ? lay(next.shift()) : null;
}
