// Editing: the views, what is unsent, the preview (diff, checks, rendered text) that follows the typing, and saving by itself.

import * as lease from './lease.js';
import { highlight } from './locate.js';
import { post } from './net.js';
import { notice, quick, words } from './notices.js';
import * as store from './store.js';

const PAUSE = 150;  // ms after the last input
const SAVE = 2_000;  // ms after the last input
const byId = id => document.getElementById(id);
const fields = () => [...document.querySelectorAll('#item textarea[form="decision"]')];
const original = field => field.dataset.shown ?? field.defaultValue;
let waiting = 0;
let saving = 0;
let asking = null;
let unsaved = false;

export const view = () => byId('v-edit')?.checked ? 'edit' : byId('v-cmp')?.checked ? 'cmp' : 'read';
export const changed = () => fields().some(field => field.value !== original(field));
export const dirty = () => unsaved && changed();

export function open({ title = false } = {}) {
  const work = byId('decision')?.closest('.work');
  if (!work) return;
  byId('v-edit').checked = true;
  work.classList.toggle('titling', title || work.classList.contains('titling'));
  const field = byId(title ? 'instruction' : 'output');
  field.focus();
  if (field.selectionStart === field.value.length) field.setSelectionRange(0, 0);
}

export function leave() {
  byId('v-read').checked = true;
  byId('decision').closest('.work').classList.remove('titling');
  if (waiting) preview();
  byId('title').focus();
}

export function restore() {
  fields().forEach(field => { field.value = original(field); });
  typed();
  preview();
}

// Another draft is under review: its text is the one that is edited, and that the edit is compared with.
export function base(draft, text) {
  byId('decision').elements.draft.value = draft;
  const field = byId('output');
  field.dataset.shown = text;
  field.value = text;
  preview();
}

export function sentences() {
  byId('diff')?.classList.toggle('sentences');
  byId('decision').dataset.by = byId('decision').dataset.by ? '' : 'sentence';
  preview();
}

export function listen(main) {
  const soon = event => {
    if (!event.target.matches?.('textarea[form="decision"]') || event.isComposing) return;
    clearTimeout(waiting);
    waiting = setTimeout(preview, PAUSE);
    typed();
  };
  main.addEventListener('input', soon);
  main.addEventListener('compositionend', soon);
  main.addEventListener('focusout', event => { if (unsaved && event.target.matches?.('textarea[form="decision"]')) save(); });
  addEventListener('pagehide', () => { if (unsaved) save({ keepalive: true }); });
}

// What one key may mend, in one step that Ctrl Z takes back.
export async function mend(how) {
  const form = byId('decision');
  if (!form) return;
  const body = new FormData(form);
  body.set('how', how);
  const answer = await post(form.dataset.mend, body);
  if (answer.kind !== 'json' || !answer.ok || form !== byId('decision')) return;
  const changed = fields().filter(field => answer.data.texts[field.name] !== undefined && field.value !== answer.data.texts[field.name]);
  if (!changed.length) return quick(words('untidied'));
  changed.forEach(field => replace(field, answer.data.texts[field.name]));
  typed();
  await preview();
  quick(words('tidied'));
}

// As if it were typed, so that the browser can undo it; a field that is not shown cannot be typed into.
function replace(field, text) {
  const before = document.activeElement;
  field.focus();
  field.select();
  if (document.activeElement !== field || !document.execCommand('insertText', false, text)) field.value = text;
  if (before !== field) before?.focus?.({ preventScroll: true });
}

// --- what is typed is kept: on this device at once, on the server after a pause -------------------------------------------

function typed() {
  unsaved = true;
  clearTimeout(saving);
  saving = setTimeout(save, SAVE);
  keep();
}

const texts = () => Object.fromEntries(fields().map(field => [field.name, field.value]));
const seq = () => Number(byId('decision').elements.seq.value);
const slot = () => `text:${byId('decision').elements.pair.value}`;

function keep() {
  byId('decision').elements.seq.value = seq() + 1;
  store.put(slot(), { seq: seq(), texts: texts(), at: Date.now() });
}

export async function save({ keepalive = false } = {}) {
  clearTimeout(saving);
  const form = byId('decision');
  if (!form) return;
  const work = form.closest('.work');
  unsaved = false;
  state('saving');
  const answer = await post(form.dataset.autosave, new FormData(form), { keepalive });
  if (form !== byId('decision') || answer.data?.decided) return;  // decided meanwhile
  if (answer.kind === 'json' && answer.ok) {
    if (!answer.data.saved) return newer(answer.data.seq);
    lease.set(work, answer.data.left);
    return state(unsaved ? 'saving' : 'saved');
  }
  if (answer.kind === 'json') return state('');
  unsaved = true;
  state(navigator.onLine && answer.kind !== 'offline' ? 'unsaved' : 'device');
  if (answer.kind === 'signin' || answer.kind === 'role') notice(answer.kind);
  clearTimeout(saving);
  saving = setTimeout(save, 3 * SAVE);
}

// Another window has saved a later text of this item.
function newer(number) {
  state('');
  notice('newer').dataset.seq = number;
}

export function mine() {
  byId('decision').elements.seq.value = byId('notices').querySelector('[data-seq]')?.dataset.seq ?? seq();
  byId('notices').replaceChildren();
  typed();
  save();
}

function state(name) {
  const place = document.querySelector('#item .saving');
  if (!place) return;
  place.textContent = name ? words(name) : '';
  place.dataset.state = name;
}

// An item has arrived: what this device has of it that the server has not.
export function arrive() {
  unsaved = false;
  clearTimeout(saving);
  const form = byId('decision');
  const kept = form && store.get(slot());
  if (!kept || kept.seq <= seq()) return;
  fields().forEach(field => { field.value = kept.texts[field.name] ?? field.value; });
  if (!changed()) return;
  form.elements.seq.value = kept.seq;
  preview();
  save();
}

export function stop() {
  clearTimeout(waiting);
  clearTimeout(saving);
  waiting = 0;
  unsaved = false;
  asking?.abort();
}

// --- the preview ---------------------------------------------------------------------------------------------------------

async function preview() {
  clearTimeout(waiting);
  waiting = 0;
  asking?.abort();
  const form = byId('decision');
  asking = new AbortController();
  const body = new FormData(form);
  if (form.dataset.by) body.set('by', form.dataset.by);
  const answer = await post(form.dataset.diff, body, { signal: asking.signal });
  if (answer.kind !== 'html' || form !== byId('decision')) return;  // the decision itself will say what is wrong
  const parts = document.createElement('template');
  parts.innerHTML = answer.html;
  for (const part of [...parts.content.children]) swap(part);
  const blocked = byId('checks').hasAttribute('data-blocked');
  document.querySelectorAll('.d-read [data-do="accept"], .d-edit [data-do="accept"]').forEach(button => block(button, blocked));
  highlight();
}

function swap(part) {
  const old = byId(part.id);
  const focused = old?.contains(document.activeElement);
  old?.replaceWith(part);
  if (focused) byId('title').focus();
}

function block(button, blocked) {
  if (blocked) {
    button.setAttribute('aria-disabled', 'true');
    button.setAttribute('aria-describedby', 'blocked');
  } else {
    button.removeAttribute('aria-disabled');
    button.removeAttribute('aria-describedby');
  }
}
