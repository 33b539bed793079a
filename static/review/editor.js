// Editing: the view, what is unsent, and the preview (diff, checks, rendered text) that follows the typing.

import { touch } from './lease.js';
import { highlight } from './locate.js';
import { post } from './net.js';

const PAUSE = 150;  // ms after the last input
const byId = id => document.getElementById(id);
const fields = () => [...document.querySelectorAll('textarea[form="decision"]')];
const original = field => field.dataset.shown ?? field.defaultValue;
let waiting = 0;
let asking = null;

export const editing = () => Boolean(byId('v-edit')?.checked);
export const dirty = () => fields().some(field => field.value !== field.defaultValue && field.value !== original(field));

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
  preview();
}

export function listen(main) {
  const soon = event => {
    if (!event.target.matches?.('textarea[form="decision"]') || event.isComposing) return;
    clearTimeout(waiting);
    waiting = setTimeout(preview, PAUSE);
    touch();
  };
  main.addEventListener('input', soon);
  main.addEventListener('compositionend', soon);
}

export function stop() {
  clearTimeout(waiting);
  waiting = 0;
  asking?.abort();
}

async function preview() {
  stop();
  const form = byId('decision');
  asking = new AbortController();
  const answer = await post(form.dataset.diff, new FormData(form), asking.signal);
  if (answer.kind !== 'html' || form !== byId('decision')) return;  // the decision itself will say what is wrong
  const parts = document.createElement('template');
  parts.innerHTML = answer.html;
  for (const part of [...parts.content.children]) swap(part);
  const blocked = byId('checks').hasAttribute('data-blocked');
  document.querySelectorAll('[data-do="accept"]').forEach(button => block(button, blocked));
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
