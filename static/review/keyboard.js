// The keys of this person: which there are (the account knows), what they are called on the buttons, and the sheet that changes them.

import { actionOf, isTyping } from './keys.js';
import { post } from './net.js';

const byId = id => document.getElementById(id);
const keys = JSON.parse(byId('keymap').textContent);
const NAMES = { Comma: ',', Period: '.', Semicolon: ';', Quote: "'", BracketLeft: '[', BracketRight: ']' };
const nameOf = code => NAMES[code] ?? code?.replace('Key', '');
let learning = null;  // the button in the sheet that waits for its new key

export function label(root = document) {
  root.querySelectorAll('kbd[data-key]').forEach(cap => { cap.textContent = nameOf(keys[cap.dataset.key]); });
}

function layer(pad) {
  if (document.querySelector('dialog[open]')) return 'dialog';
  if (pad.isOpen()) return 'pad';
  return document.querySelector(':popover-open') ? 'menu' : null;
}

export function listen(main, { view, pad, act }) {
  document.addEventListener('keydown', event => {
    if (learning) return learn(event);
    const writing = event.target.closest?.('.comment-form, .redraft-form');
    const where = { typing: isTyping(event.target), layer: writing ? null : layer(pad), view: view(), single: byId('single').checked, keys, writing };
    const found = actionOf(event, where);
    if (!found) return;
    event.preventDefault();
    if (found.name === 'send') return writing.requestSubmit();
    act(found, event);
  });
  byId('single').addEventListener('change', event => send([['on', event.target.checked ? '1' : '0']]));
  byId('keys').addEventListener('click', event => {
    const button = event.target.closest('[data-act]');
    if (button) learning = wait(button);
    if (event.target.closest('[data-reset]')) send([['reset', '1']]).then(() => location.reload());
  });
  byId('keys').addEventListener('close', () => { learning?.classList.remove('waits'); learning = null; });
  swipe(main);
  label();
}

function wait(button) {
  learning?.classList.remove('waits');
  button.classList.add('waits');
  return button;
}

function learn(event) {
  if (event.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
  event.preventDefault();
  const button = learning;
  button.classList.remove('waits');
  learning = null;
  if (!/^(Key[A-Z]|Comma|Period|Semicolon|Quote|BracketLeft|BracketRight)$/.test(event.code)) return;
  const name = button.dataset.act;
  const other = Object.keys(keys).find(act => keys[act] === event.code && act !== name);
  if (other) keys[other] = keys[name];
  keys[name] = event.code;
  label();
  send([['act', name], ['code', event.code]]);
}

function send(fields) {
  const body = new FormData();
  for (const [name, value] of fields) body.set(name, value);
  return post(byId('single').dataset.url, body);
}

// Right accepts, left rejects: after a third of the width, and the act is shown under the finger before it is let go.
function swipe(main) {
  let from = null;
  const sign = byId('swipe');
  const away = () => { from = null; sign.hidden = true; };
  main.addEventListener('touchstart', event => {
    const calm = event.touches.length === 1 && event.target.closest('.work-body') && !event.target.closest('textarea, input, button, a, .diffbox, table, pre');
    from = calm && view(main) === 'read' ? event.touches[0] : null;
  }, { passive: true });
  main.addEventListener('touchmove', event => {
    if (!from) return;
    const dx = event.touches[0].clientX - from.clientX;
    if (Math.abs(event.touches[0].clientY - from.clientY) > 60) return away();
    const far = Math.abs(dx) >= 0.35 * innerWidth;
    sign.hidden = Math.abs(dx) < 24;
    sign.className = `${dx > 0 ? 'ok' : 'no'}${far ? ' far' : ''}`;
    sign.textContent = dx > 0 ? sign.dataset.accept : sign.dataset.reject;
    sign.dataset.act = far ? (dx > 0 ? 'accept' : 'reject') : '';
  }, { passive: true });
  main.addEventListener('touchend', () => {
    const name = from && sign.dataset.act;
    sign.dataset.act = '';
    away();
    if (name) document.dispatchEvent(new CustomEvent('review:swipe', { detail: name }));
  });
  main.addEventListener('touchcancel', away);
}

const view = () => byId('v-read')?.checked ? 'read' : 'other';
