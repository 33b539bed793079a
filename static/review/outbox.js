// What was decided and is not with the server yet: sent one after the other, in order, each with the key of its act, so that
// sending again is the same act. It survives a crash of the page (store.js) and waits for the network.

import { post } from './net.js';
import * as store from './store.js';

const WAITS = [1_000, 2_000, 4_000, 8_000, 15_000];
let entries = store.get('outbox') ?? [];  // { op, url, kind, pair, fields: [[name, value], …] }
let sending = false;
let failures = 0;
let waking = 0;
let on = {};  // extra(entry), done(entry, answer), refused(entry, data), stuck(kind), moving()

export const size = () => entries.length;
export const has = op => entries.some(entry => entry.op === op);
export const holds = pair => entries.some(entry => entry.pair === pair);
export const isFlying = op => sending && entries[0]?.op === op;

export function start(handlers) {
  on = handlers;
  keep();
  addEventListener('online', now);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) now(); });
  addEventListener('focus', now);
  pump();
}

export function add(entry) {
  entries.push(entry);
  keep();
  pump();
}

// Take back what has not left yet. False when it is on its way or gone.
export function remove(op) {
  if (!has(op) || isFlying(op)) return false;
  entries = entries.filter(entry => entry.op !== op);
  keep();
  return true;
}

export function now() {
  clearTimeout(waking);
  waking = 0;
  return pump();
}

function keep() {
  document.getElementById('main').dataset.unsent = entries.length;
  if (entries.length) store.put('outbox', entries);
  else store.drop('outbox');
}

async function pump() {
  if (sending || waking) return;
  while (entries.length) {
    const entry = entries[0];
    sending = true;
    const answer = await post(entry.url, body(entry));
    sending = false;
    if (answer.kind === 'html' || answer.kind === 'json') {
      failures = 0;
      entries.shift();
      keep();
      await (answer.kind === 'html' ? on.done(entry, answer.html) : on.refused(entry, answer.data));
      if (!entries.length) on.moving();
      continue;
    }
    on.stuck(answer.kind);
    if (answer.kind !== 'signin' && answer.kind !== 'role') {  // who signs in again, or asks, comes back to this window: that tries again
      waking = setTimeout(now, WAITS[Math.min(failures, WAITS.length - 1)]);
    }
    failures += 1;
    return;
  }
}

function body(entry) {
  const form = new FormData();
  for (const [name, value] of [...entry.fields, ...on.extra(entry)]) form.append(name, value);
  return form;
}
