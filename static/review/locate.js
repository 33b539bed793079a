// Show in the text what a check has found: marked where it is read, selected where it is edited.

const READ = { instruction: '#title', input: '#input-shown', output: '#reply .prose' };
const lines = () => [...document.querySelectorAll('#checks li[data-spots]')];
const spots = line => JSON.parse(line.dataset.spots).map(([start, end, excerpt, nth]) => ({ start, end, excerpt, nth }));

export function highlight() {
  unmark();
  lines().forEach((line, at) => spots(line).forEach((spot, n) => mark(document.querySelector(READ[line.dataset.field]), spot, `${at}.${n}`)));
}

function unmark() {
  document.querySelectorAll('mark[data-spot]').forEach(one => {
    const parent = one.parentNode;
    one.replaceWith(...one.childNodes);
    parent.normalize();
  });
}

// The nth place that reads like the excerpt. Where it runs over bold or a link, each piece is marked.
function mark(root, { excerpt, nth }, name) {
  if (!root || !excerpt.trim()) return;
  const nodes = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) nodes.push(walker.currentNode);
  const text = nodes.map(node => node.data).join('');
  let at = text.indexOf(excerpt);
  for (let left = nth; left > 0 && at >= 0; left -= 1) {
    const next = text.indexOf(excerpt, at + 1);
    if (next < 0) break;
    at = next;
  }
  if (at >= 0) wrap(nodes, at, at + excerpt.length, name);
}

function wrap(nodes, from, to, name) {
  let start = 0;
  for (const node of nodes) {
    const end = start + node.data.length;
    if (start < to && end > from) {
      const range = document.createRange();
      range.setStart(node, Math.max(from - start, 0));
      range.setEnd(node, Math.min(to, end) - start);
      const shown = document.createElement('mark');
      shown.dataset.spot = name;
      range.surroundContents(shown);
    }
    start = end;
  }
}

// Gives whether it could be shown where it is read; else it is for the editor.
export function locate(line, editing) {
  const at = lines().indexOf(line);
  const places = spots(line);
  if (!editing) {
    const shown = document.querySelector(`mark[data-spot^="${at}."]`);
    document.querySelectorAll('mark.now').forEach(one => one.classList.remove('now'));
    shown?.classList.add('now');
    shown?.scrollIntoView({ block: 'center' });
    return Boolean(shown) || !places.length;
  }
  const field = document.querySelector(`textarea[form="decision"][name="${line.dataset.field}"]`);
  const last = field?.dataset.looked === String(at) ? Number(field.dataset.spot) : -1;
  const next = (last + 1) % places.length;  // again: the next of them
  if (!field || !places.length) return false;
  Object.assign(field.dataset, { looked: at, spot: next });
  return select(field, places[next]);
}

function select(field, { start, end, excerpt }) {
  const near = field.value.slice(Math.max(0, start - 8), end + 8);
  const at = excerpt && !near.includes(excerpt.slice(0, 4)) ? field.value.indexOf(excerpt) : -1;  // typed since: the place has moved
  field.blur();  // a browser scrolls to the caret where the focus comes anew
  field.setSelectionRange(...(at < 0 ? [start, end] : [at, at + excerpt.length]));
  field.focus();
  return true;
}
