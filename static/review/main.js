// The review page: one item after the other without a page load. The forms work without any of this.

import * as checks from './checks.js';
import * as deck from './deck.js';
import * as desk from './desk.js';
import * as editor from './editor.js';
import * as keyboard from './keyboard.js';
import * as lease from './lease.js';
import { highlight } from './locate.js';
import { post } from './net.js';
import { clear, notice, quick, say, toast, words } from './notices.js';
import * as outbox from './outbox.js';
import * as pad from './pad.js';
import * as store from './store.js';
import * as talk from './talk.js';

const SLEEP = 400;  // ms that decisions rest after a new item is painted: a key meant for the last one must not hit this one
const byId = id => document.getElementById(id);
const main = byId('main');
const lifted = new Map();  // op -> the card that was decided on, until the server has it
const page = { leaving: false, undoing: false, asked: false, seen: 0, hiddenAt: 0, away: 0, pressed: 0 };
const DECISIONS = new Set(['accept', 'skip', 'undo', 'digit', 'confirm', 'duplicate', 'reject', 'retry', 'choose']);
const work = () => main.querySelector('#item .work');

// --- an item arrives ---------------------------------------------------------------------------------------------------

function arrive({ first = false } = {}) {
  const card = deck.now();
  const shown = work();
  Object.assign(page, { seen: performance.now(), away: 0, hiddenAt: 0 });
  document.querySelectorAll('dialog[popover]').forEach(dialog => dialog.removeAttribute('popover'));  // modal from now on
  shown.dataset.ready = 'false';
  setTimeout(() => { shown.dataset.ready = 'true'; }, SLEEP);
  lease.start(shown, card?.at ?? Date.now());
  keyboard.label(main);
  highlight();
  editor.arrive();
  if (first) return;
  byId('title')?.focus({ preventScroll: true });
  main.querySelector('.work-body').scrollTop = 0;
  window.scrollTo({ top: 0 });
  say(`${shown.dataset.pair ? words('item', { n: desk.done() + 1 }) : ''} ${byId('title').textContent.slice(0, 80)}`);
  painted();
}

// From the key to the paint, on the page's own clock: for whoever wants to know (tests/browser, the console).
function painted() {
  if (!page.pressed) return;
  const start = page.pressed;
  page.pressed = 0;
  requestAnimationFrame(() => setTimeout(() => performance.measure('review:next', { start, end: performance.now() })));
}

// The next item that is ready; else a place to wait for it.
function turn() {
  pad.close();
  editor.stop();
  if (deck.turn()) return arrive();
  byId('item').append(byId('w-waiting').content.cloneNode(true));
  if (!outbox.size()) ask();
}

function bringBack(card, code, message) {
  const rest = deck.lift();
  if (rest?.key) deck.add(rest, { front: true });
  byId('item').replaceChildren();
  deck.lay(card);
  arrive();
  if (code) notice(code, code === 'refused' ? message : '');
}

// --- what the server says ----------------------------------------------------------------------------------------------

function take(html) {
  const said = document.createElement('template');
  said.innerHTML = html;  // our own server's template
  const all = name => [...said.content.children].filter(one => one.matches(`template[data-${name}]`));
  const cards = all('item').map(one => ({ front: 'front' in one.dataset, card: deck.card(one.content) }));
  for (const { card, front } of cards) deck.add(card, { front });
  for (const gone of all('lost')) lose(gone.dataset.lost);
  for (const made of all('made')) desk.made(made.dataset.made, made.content);
  if (!outbox.size()) all('rail').forEach(rail => desk.refresh(rail.content));
  if (cards.some(one => one.front)) return show();
  if (!deck.now() && deck.waiting()) return turn();
  const idle = all('idle')[0];
  if (idle && !deck.now() && !outbox.size()) rest(idle.content);
}

function show() {
  const shown = deck.lift();
  byId('item').replaceChildren();
  if (shown?.key) deck.add(shown, { front: false });
  deck.turn();
  deck.now().opened = true;
  arrive();
}

function rest(content) {
  byId('item').replaceChildren();
  deck.lay(deck.card(content));
  arrive();
}

// Somebody else has what we had reserved. Nothing was typed into it yet, or it stays where it is.
function lose(key) {
  if (deck.find(key)) return deck.drop(key);
  if (deck.now()?.key !== key) return;
  if (editor.changed()) return notice('lost');
  deck.lift();
  quick(words('taken'));
  turn();
}

async function ask(extra = []) {
  if (page.asked) return;
  page.asked = true;
  const body = new FormData();
  for (const [name, value] of [['source', main.dataset.source], ...holdings(), ...extra]) body.append(name, value);
  const answer = await post(main.dataset.ahead, body);
  page.asked = false;
  if (answer.kind !== 'html') return !deck.now() && stuck(answer.kind);
  opened();
  take(answer.html);
}

// What the page has, and which of it somebody looks at now.
function holdings() {
  const card = deck.now();
  page.told = card?.key && !card.opened ? card : null;
  return [['have', deck.have().join(',')], ...(page.told ? [['opened', card.key], ['opened_token', card.token]] : [])];
}

function opened() {
  if (!page.told) return;
  page.told.opened = true;
  if (page.told === deck.now()) lease.renewed(work());
}

// --- a decision leaves -------------------------------------------------------------------------------------------------

function leave(kind, url, body, letter, text) {
  const fields = [...body.entries()].filter(([name, value]) => name !== 'csrfmiddlewaretoken' && typeof value === 'string');
  const op = kind === 'skip' ? crypto.randomUUID() : body.get('op_id');
  const title = byId('title').textContent;
  editor.stop();
  const card = deck.lift();
  lifted.set(op, card);
  desk.count(letter, op);
  turn();
  if (kind === 'decide') desk.remember(op, title);
  outbox.add({ op, url, kind, pair: card.pair, letter, fields });
  const shown = byId('t-done').content.cloneNode(true);
  shown.querySelector('.what').textContent = text;
  if (kind === 'skip') shown.querySelector('button').remove();
  toast(shown);
}

function decide(extra, letter, text) {
  const body = new FormData(byId('decision'));
  body.set('seconds', String(Math.round((performance.now() - page.seen - page.away) / 100) / 10));
  for (const [name, value] of extra) body.append(name, value);
  leave('decide', byId('decision').action, body, letter, text);
}

function reject(reasons) {
  if (reasons) decide(reasons.map(one => ['reject', one.value]), 'r', words('rejected', { why: reasons.map(pad.label).join(words('comma')) }));
}

outbox.start({
  extra: () => [...holdings(), ...(desk.stale() ? [['rail', '1']] : [])],
  done(entry, html) {
    lifted.delete(entry.op);
    store.drop(`text:${entry.pair}`);
    clear('offline');
    clear('signin');
    clear('role');
    opened();
    if (entry.kind === 'undo') page.undoing = false;
    take(html);
    if (entry.kind === 'undo') quick(words('undone'));
  },
  refused(entry, data) {
    const card = lifted.get(entry.op);
    lifted.delete(entry.op);
    page.undoing = false;
    clear('offline');
    if (entry.kind === 'undo') return notice(data.code, data.message);
    desk.uncount(entry.letter, entry.op);
    if (data.code === 'stale') return fresh(entry, card);
    if (card) return bringBack(card, data.code, data.message);
    if (entry.kind === 'decide') notice('unkept').querySelector('a').href += `?pair=${entry.pair}`;
  },
  stuck,
  moving() { if (!deck.now() || deck.waiting() < 2) ask(); },
});

function stuck(kind) {
  const shown = notice(kind);
  shown.querySelector('[data-n]')?.replaceChildren(String(outbox.size()));
}

// The pair has changed while it was looked at: it comes again as it is now, with what was typed set against it.
function fresh(entry, card) {
  const number = Object.fromEntries(entry.fields);
  const texts = Object.fromEntries(['instruction', 'input', 'output'].filter(name => name in number).map(name => [name, number[name]]));
  store.put(`text:${entry.pair}`, { seq: Number(number.seq) + 1, texts, at: Date.now() });
  if (card?.key) deck.drop(card.key);
  ask([['show', entry.pair]]).then(() => notice('stale'));
}

function undo() {
  const op = desk.last();
  if (!op || page.undoing) return;
  if (outbox.remove(op)) {  // it has not left yet
    const card = lifted.get(op);
    lifted.delete(op);
    desk.forget(op);
    if (card) bringBack(card);
    return quick(words('undone'));
  }
  takeBack(op);
}

function takeBack(op) {
  page.undoing = true;
  desk.forget(op);
  outbox.add({ op: crypto.randomUUID(), url: main.dataset.undo, kind: 'undo', pair: '', fields: [['of', op], ['op_id', crypto.randomUUID()], ['source', main.dataset.source]] });
}

// --- what can be done --------------------------------------------------------------------------------------------------

const ACTS = {
  accept: () => {
    if (!byId('decision')) return;
    if (editor.view() === 'cmp') return chosen();
    if (checks.blocked() || !checks.overruled(work().dataset.assignment, byId('checks')?.dataset.warned)) return;
    decide([['verdict', 'accept']], editor.changed() ? 'e' : 'a', words(editor.changed() ? 'edited' : 'accepted'));
  },
  edit: () => editor.open(),
  title: () => editor.open({ title: true }),
  leave: () => editor.leave(),
  save: () => editor.save(),
  restore: () => { clear('unsent'); editor.restore(); },
  sentences: () => editor.sentences(),
  mine: () => editor.mine(),
  theirs: () => { page.leaving = true; store.drop(`text:${deck.now()?.pair}`); location.reload(); },
  diff: () => byId('diff')?.classList.toggle('off'),
  compare: () => { const view = byId('v-cmp'); if (view) { view.checked = !view.checked; byId('v-read').checked = !view.checked; } },
  choose: ({ digit, button }) => pick(button?.closest('.cand') ?? main.querySelector(`.cand[data-digit="${digit}"]`)),
  base: ({ button }) => {
    const card = button.closest('.cand');
    editor.base(card.dataset.draft, card.querySelector('.source').value);
    editor.open();
  },
  neither: () => { if (byId('pad')) pad.toggle(); },
  reject: () => { if (byId('pad') && (pad.isOpen() || !unsent())) pad.toggle(); },
  digit: ({ digit, several }) => reject(pad.choose(digit, several)),
  duplicate: () => reject([...main.querySelectorAll('#pad [value="duplicate"]')]),
  confirm: () => reject(pad.settle()),
  skip: () => {
    if (!byId('decision') || unsent()) return;
    leave('skip', main.querySelector('#item [data-do="skip"]').formAction, new FormData(byId('decision')), 's', words('skipped'));
  },
  undo: ({ form }) => {
    if (unsent()) return;
    if (form?.closest('[data-op]')) takeBack(form.closest('[data-op]').dataset.op);
    else undo();
  },
  renew: () => lease.renew(),
  retry: () => { if (outbox.size()) outbox.now(); else if (editor.changed()) { clear(); editor.save(); } else ask(); },
  copy: async () => {
    await navigator.clipboard?.writeText([...document.querySelectorAll('#item textarea[form="decision"]')].map(field => field.value).join('\n\n'));
    quick(words('copied'));
  },
  next: () => { if (!deck.now()) return; deck.lift(); turn(); },
  warning: () => {
    if (unsent()) return;
    if (!deck.raise(nodes => nodes.querySelector('#checks .warn, #checks .no'))) return quick(words('nowarning'));
    show();
    ask();
  },
  guide: () => byId('guide')?.showModal(),
  keys: () => byId('keys').showModal(),
  post: () => { const post = byId('post'); if (post) post.open = !post.open; },
  focus: () => store.put('focus', main.classList.toggle('focus')),
  down: () => scroll(1),
  up: () => scroll(-1),
  ...checks.ACTS,
  ...talk.ACTS,
};

// Leaving an edit behind wants to be meant.
function unsent() {
  return Boolean(byId('decision')) && editor.changed() && Boolean(notice('unsent'));
}

function pick(card) {
  if (!card) return;
  main.querySelectorAll('.cand').forEach(one => one.classList.toggle('pick', one === card));
  const button = byId('accept-chosen');
  button.setAttribute('aria-disabled', String('blocked' in card.dataset));
  const label = button.querySelector('[data-words]');
  label.textContent = label.dataset.words.replace('[letter]', () => card.dataset.letter);
}

function chosen() {
  const card = main.querySelector('.cand.pick');
  if (!card) return quick(words('choose'));
  if ('blocked' in card.dataset) return notice('refused', words('blocked'));
  if (checks.overruled(work().dataset.assignment, card.dataset.warned, card.dataset.draft)) decide([['use', card.dataset.draft]], 'a', words('accepted'));
}

function scroll(direction) {
  const body = main.querySelector('.work-body');
  const scrolled = body.scrollHeight > body.clientHeight + 1 && getComputedStyle(body).overflowY !== 'visible' ? body : window;
  scrolled.scrollBy({ top: direction * 0.6 * innerHeight, behavior: 'auto' });
}

function act(name, detail = {}) {
  const asleep = page.undoing || work()?.dataset.ready !== 'true';
  if (DECISIONS.has(name) && asleep && name !== 'retry') return;
  ACTS[name]?.(detail);
}

// --- keys, clicks, views -----------------------------------------------------------------------------------------------

keyboard.listen(main, { view: editor.view, pad, act: (found, event) => { page.pressed = event.timeStamp; act(found.name, found); page.pressed &&= deck.now() ? 0 : page.pressed; } });

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
  if (talk.submitted(event)) return;
  if (!event.target.matches('#decision, .undo, #undo-last')) return;
  event.preventDefault();
  if (!event.target.matches('#decision')) act('undo', { form: event.target });
});

main.addEventListener('change', event => {
  if (event.target.id === 'v-edit') editor.open();
  if (event.target.id === 'v-read') editor.leave();
});

addEventListener('beforeunload', event => { if (editor.dirty() && !page.leaving) event.preventDefault(); });
document.addEventListener('visibilitychange', () => {
  if (document.hidden) page.hiddenAt = performance.now();
  else if (page.hiddenAt) page.away += performance.now() - page.hiddenAt;
});
document.addEventListener('review:swipe', event => act(event.detail));
document.addEventListener('review:gone', () => { deck.lift(); turn(); });

store.tidy();
editor.listen(main);
pad.listen(main);
deck.begin();
if (store.get('focus')) main.classList.add('focus');
if (outbox.holds(deck.now().pair)) {  // decided before the page was loaded again, and not sent yet
  deck.lift();
  turn();
} else arrive({ first: true });
if (!outbox.size()) ask();
