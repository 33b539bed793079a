// The review page: one item after the other without a page load. The forms work without any of this.

import * as editor from './editor.js';
import { actionOf, isTyping } from './keys.js';
import * as lease from './lease.js';
import { highlight, locate } from './locate.js';
import { post } from './net.js';
import { clear, notice, quick, say, toast, words } from './notices.js';
import * as pad from './pad.js';

const SLEEP = 400;  // ms that decisions rest after a new item is painted: a key meant for the last one must not hit this one
const SLOW = 300;
const byId = id => document.getElementById(id);
const main = byId('main');
const page = { busy: false, leaving: false, last: null, seen: 0, hiddenAt: 0, away: 0 };
const DECISIONS = new Set(['accept', 'skip', 'undo', 'digit', 'confirm', 'reject', 'retry']);

// --- an item arrives ---------------------------------------------------------------------------------------------------

function arrive({ first = false } = {}) {
  const work = main.querySelector('.work');
  Object.assign(page, { seen: performance.now(), away: 0, hiddenAt: 0 });
  document.querySelectorAll('dialog[popover]').forEach(dialog => dialog.removeAttribute('popover'));  // modal from now on
  work.dataset.ready = 'false';
  setTimeout(() => { work.dataset.ready = 'true'; }, SLEEP);
  lease.start(work);
  highlight();
  if (first) return;
  byId('title')?.focus({ preventScroll: true });
  main.querySelector('.work-body').scrollTop = 0;
  window.scrollTo({ top: 0 });
  announce(work);
}

function announce(work) {
  const told = byId('told');
  if (told) toast(told.content.cloneNode(true));
  else byId('toasts').replaceChildren();
  const said = told ? told.content.querySelector('span > span').textContent : '';
  const title = byId('title').textContent.slice(0, 80);
  say(`${said} ${work.dataset.n ? `${words('item', { n: work.dataset.n })} ` : ''}${title}`);
}

// --- a decision leaves -------------------------------------------------------------------------------------------------

async function send(url, body) {
  if (page.busy) return;
  page.busy = true;
  page.last = { url, body };
  const work = main.querySelector('.work');
  const slow = setTimeout(() => work.setAttribute('aria-busy', 'true'), SLOW);
  editor.stop();
  const answer = await post(url, body);
  clearTimeout(slow);
  work.removeAttribute('aria-busy');
  page.busy = false;
  if (answer.kind === 'html') {
    pad.close();
    main.innerHTML = answer.html;  // our own server's template
    return arrive();
  }
  explain(answer);
}

function explain(answer) {
  if (answer.kind !== 'json') return notice(answer.kind);
  notice(answer.data.code, answer.data.code === 'refused' ? answer.data.message : '');
  if (answer.data.reason === 'comment_missing' || answer.data.reason === 'reasons_missing') return;
  pad.close();
}

function decision(extra) {
  const body = new FormData(byId('decision'));
  body.set('seconds', String(Math.round((performance.now() - page.seen - page.away) / 100) / 10));
  for (const [name, value] of extra) body.append(name, value);
  return body;
}

function reject(reasons) {
  if (reasons) send(byId('decision').action, decision(reasons.map(code => ['reject', code])));
}

// Leaving an edit behind wants to be meant.
const unsent = () => editor.dirty() && Boolean(notice('unsent'));

// --- what can be done --------------------------------------------------------------------------------------------------

const ACTS = {
  accept: ({ button }) => {
    const accept = button ?? main.querySelector('[data-do="accept"]');
    if (!accept) return;
    if (accept.getAttribute('aria-disabled') === 'true') return notice('refused', byId('blocked').textContent);
    send(byId('decision').action, decision([['verdict', 'accept']]));
  },
  edit: () => editor.open(),
  title: () => editor.open({ title: true }),
  leave: () => editor.leave(),
  restore: () => { clear('unsent'); editor.restore(); },
  reject: () => { if (byId('pad') && (pad.isOpen() || !unsent())) pad.toggle(); },
  digit: ({ digit, several }) => reject(pad.choose(digit, several)),
  confirm: () => reject(pad.settle()),
  skip: () => { if (byId('decision') && !unsent()) send(main.querySelector('[data-do="skip"]').formAction, decision([])); },
  undo: ({ form }) => {
    const undone = form ?? byId('undo-last');
    if (undone && !unsent()) send(undone.action, new FormData(undone));
  },
  renew: () => lease.renew(),
  retry: () => { if (page.last) { clear(); send(page.last.url, page.last.body); } },
  copy: async () => {
    await navigator.clipboard?.writeText([...document.querySelectorAll('textarea[form="decision"]')].map(field => field.value).join('\n\n'));
    quick(words('copied'));
  },
  next: ({ button }) => { page.leaving = true; location.assign(button.href); },
  locate: ({ button }) => locate(button, editor.editing()),
  guide: () => byId('guide')?.showModal(),
  keys: () => byId('keys').showModal(),
  post: () => { const post = byId('post'); if (post) post.open = !post.open; },
  down: () => scroll(1),
  up: () => scroll(-1),
};

function scroll(direction) {
  const body = main.querySelector('.work-body');
  const scrolled = body.scrollHeight > body.clientHeight + 1 && getComputedStyle(body).overflowY !== 'visible' ? body : window;
  scrolled.scrollBy({ top: direction * 0.6 * innerHeight, behavior: 'auto' });
}

function act(name, detail = {}) {
  const asleep = page.busy || main.querySelector('.work').dataset.ready !== 'true';
  if (DECISIONS.has(name) && asleep) return;
  ACTS[name]?.(detail);
}

// --- keys, clicks, views -----------------------------------------------------------------------------------------------

function layer() {
  if (document.querySelector('dialog[open]')) return 'dialog';
  if (pad.isOpen()) return 'pad';
  return document.querySelector(':popover-open') ? 'menu' : null;
}

document.addEventListener('keydown', event => {
  const where = { typing: isTyping(event.target), layer: layer(), editing: editor.editing(), single: byId('single').checked };
  const found = actionOf(event, where);
  if (!found) return;
  event.preventDefault();
  act(found.name, found);
});

document.addEventListener('click', event => {
  const layered = event.target.closest('[popovertarget]');
  const dialog = layered && byId(layered.getAttribute('popovertarget'));
  if (dialog?.matches('dialog')) {
    event.preventDefault();
    return dialog.open ? dialog.close() : dialog.showModal();
  }
  const digit = event.target.closest('#pad [data-digit]');
  if (digit) {
    event.preventDefault();
    return pad.wasHeld() || act('digit', { digit: digit.dataset.digit, several: event.shiftKey });
  }
  const button = event.target.closest('[data-do]');
  if (!button) {
    if (event.target.matches('dialog[open]')) event.target.close();  // outside of it
    return;
  }
  event.preventDefault();
  act(button.dataset.do, { button });
});

document.addEventListener('submit', event => {
  if (!event.target.matches('#decision, .undo, #undo-last')) return;
  event.preventDefault();
  if (!event.target.matches('#decision')) act('undo', { form: event.target });
});

main.addEventListener('change', event => {
  if (event.target.id === 'v-edit') editor.open();
  if (event.target.id === 'v-read') editor.leave();
});

byId('single').addEventListener('change', event => {
  const body = new FormData();
  body.set('on', event.target.checked ? '1' : '0');
  post(event.target.dataset.url, body);
});

addEventListener('beforeunload', event => { if (editor.dirty() && !page.leaving) event.preventDefault(); });
document.addEventListener('visibilitychange', () => {
  if (document.hidden) page.hiddenAt = performance.now();
  else if (page.hiddenAt) page.away += performance.now() - page.hiddenAt;
});

editor.listen(main);
pad.listen(main);
arrive({ first: true });
