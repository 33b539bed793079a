// The seat's time: a countdown, a notice in the last minute, and its renewal by L or by going on writing.

import { post } from './net.js';
import { clear, notice, quick, words } from './notices.js';

const LAST_CALL = 60;
let ticking = 0;
let seat = null;  // { work, ends, whole, renewed }

export function start(work) {
  clearInterval(ticking);
  seat = null;
  if (!work?.dataset.left) return;
  seat = { work, ends: Date.now() + work.dataset.left * 1000, whole: Number(work.dataset.lease), renewed: Date.now() };
  ticking = setInterval(tick, 1000);
  tick();
}

function tick() {
  const left = Math.max(0, Math.round((seat.ends - Date.now()) / 1000));
  seat.work.querySelector('.lease .left').textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  seat.work.querySelector('.lease .arc').setAttribute('stroke-dasharray', `${(38 * Math.min(1, left / seat.whole)).toFixed(1)} 38`);
  const ending = left <= LAST_CALL;
  if (ending && !seat.work.classList.contains('ending') && left > 0) notice('lease');
  seat.work.classList.toggle('ending', ending);
  if (left === 0) {
    clearInterval(ticking);
    notice('lost');
  }
}

export async function renew({ quiet = false } = {}) {
  if (!seat) return;
  const asked = seat;
  const answer = await post(asked.work.querySelector('.lease').formAction, new FormData(document.getElementById('decision')));
  if (asked !== seat) return;
  if (answer.kind === 'json' && answer.ok) {
    Object.assign(seat, { ends: Date.now() + answer.data.left * 1000, renewed: Date.now() });
    clear('lease');
    if (!quiet) quick(words('renewed'));
    tick();
  } else if (answer.kind === 'json') notice(answer.data.code, answer.data.code === 'refused' ? answer.data.message : '');
  else if (!quiet) notice(answer.kind === 'broken' ? 'broken' : answer.kind);
}

// Somebody who writes is there: renew once a minute has gone by.
export function touch() {
  if (seat && Date.now() - seat.renewed > 60_000 && Date.now() < seat.ends) {
    seat.renewed = Date.now();
    renew({ quiet: true });
  }
}
