// A dispute by keyboard: 1–9 takes a version, E edits, R and digits reject, D compares with the next, S goes on, Z takes the last word
// back. Every act is a form or a link of the page, which works without this.

import { isTyping } from './keys.js';

const byId = id => document.getElementById(id);
const form = byId('ruling');
const keys = JSON.parse(byId('keymap').textContent);
const single = byId('single-keys').textContent === 'true';
const shown = Date.now();
const kept = `ruling-${form?.dataset.pair}-${form?.dataset.version}`;
const DIGIT = /^(?:Digit|Numpad)([1-9])$/;
let sent = false;
const NAMES = { Comma: ',', Period: '.', Semicolon: ';', Quote: "'", BracketLeft: '[', BracketRight: ']' };
document.querySelectorAll('kbd[data-key]').forEach(cap => { const code = keys[cap.dataset.key]; cap.textContent = NAMES[code] ?? code?.replace('Key', ''); });

// What is typed outlives a look at another comparison.
const fields = () => form?.querySelectorAll('textarea, [name=base]') ?? [];
const saved = JSON.parse(sessionStorage.getItem(kept) ?? 'null');
if (saved && !new URLSearchParams(location.search).has('edit')) {
  fields().forEach(field => { field.value = saved[field.name] ?? field.value; });
  if (byId('edit')) byId('edit').open = true;
}
form?.addEventListener('input', event => {
  if (event.target.matches('textarea')) sessionStorage.setItem(kept, JSON.stringify(Object.fromEntries([...fields()].map(one => [one.name, one.value]))));
});
form?.addEventListener('submit', event => {
  if (sent) return event.preventDefault();  // a double click is one act
  sent = true;
  form.elements.seconds.value = (Date.now() - shown) / 1000;
  sessionStorage.removeItem(kept);
});

function open(details, target) {
  details.open = true;
  details.scrollIntoView({ block: 'nearest' });
  (target ?? details.querySelector('textarea, input')).focus();
}

function compareNext() {
  const links = [...document.querySelectorAll('#against a')];
  links[(links.findIndex(link => link.ariaCurrent) + 1) % links.length].click();
}

const acts = {
  edit: () => byId('edit') && open(byId('edit'), byId('output')),
  reject: () => byId('reject') && open(byId('reject')),
  diff: compareNext,
  skip: () => byId('skip')?.click(),
  undo: () => byId('undo')?.click(),
};

document.addEventListener('keydown', event => {
  if (event.isComposing || event.altKey || event.repeat || document.querySelector(':popover-open')) return;
  const enter = event.code === 'Enter' || event.code === 'NumpadEnter';
  if ((event.ctrlKey || event.metaKey) && enter && event.target.closest?.('#edit')) return done(event, () => byId('save').click());
  if (event.ctrlKey || event.metaKey) return;
  if (event.code === 'Escape' && event.target.closest?.('details.ruling')) return done(event, () => leave(event.target.closest('details.ruling')));
  if (enter && event.target.closest?.('#reject') && !event.target.closest('button, summary')) return done(event, () => byId('refuse').click());
  if (isTyping(event.target) || !single || event.shiftKey) return;
  const digit = DIGIT.exec(event.code)?.[1];
  const rejecting = event.target.closest?.('#reject');
  if (digit) return done(event, () => (rejecting ? rejecting.querySelector(`[data-digit="${digit}"]`) : form?.querySelector(`[data-take="${digit}"]`))?.click());
  const name = Object.keys(acts).find(act => keys[act] === event.code);
  if (name) done(event, acts[name]);
});

function done(event, act) {
  event.preventDefault();
  act();
}

function leave(details) {
  details.open = false;
  details.querySelector('summary').focus();
}
