// The seat's time: a countdown, a notice in the last minute, and its renewal by L, by looking at it, or by going on writing.

import { post } from './net.js';
import { clear, notice, quick, words } from './notices.js';

const LAST_CALL = 60;
let ticking = 0;
let seat = null;  // { work, ends, whole }

export function start(work, at) {
  clearInterval(ticking);
  seat = null;
  if (!work?.dataset.left) return;
  seat = { work, ends: at + work.dataset.left * 1000, whole: Number(work.dataset.lease), warned: false };
  ticking = setInterval(tick, 1000);
  tick();
}

export const running = work => seat?.work === work && Date.now() < seat.ends;

// The server says how long it is ours; null: no more.
export function set(work, left) {
  if (!seat || seat.work !== work) return;
  if (left === null) return lost();
  Object.assign(seat, { ends: Date.now() + left * 1000, warned: false });
  clear('lease');
  tick();
}

export const renewed = work => set(work, Number(work.dataset.lease));

function lost() {
  clearInterval(ticking);
  notice('lost');
}

function tick() {
  const left = Math.max(0, Math.round((seat.ends - Date.now()) / 1000));
  seat.work.querySelector('.lease .left').textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  seat.work.querySelector('.lease .arc').setAttribute('stroke-dasharray', `${(38 * Math.min(1, left / seat.whole)).toFixed(1)} 38`);
  const ending = left <= LAST_CALL;
  if (ending && !seat.warned && left > 0) notice('lease');
  seat.warned ||= ending;
  seat.work.classList.toggle('ending', ending);
  if (left === 0) lost();
}

export async function renew({ quiet = false } = {}) {
  if (!seat) return;
  const asked = seat.work;
  const answer = await post(asked.querySelector('.lease').formAction, new FormData(document.getElementById('decision')));
  if (asked !== seat?.work) return;
  if (answer.kind === 'json' && answer.ok) {
    set(asked, answer.data.left);
    if (!quiet) quick(words('renewed'));
  } else if (answer.kind === 'json') notice(answer.data.code, answer.data.code === 'refused' ? answer.data.message : '');
  else if (!quiet) notice(answer.kind);
}
