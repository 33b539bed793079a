// The nine reasons. One digit or tap rejects; with Shift, or after a long press, several are picked and then confirmed.

const LONG_PRESS = 500;
const pad = () => document.getElementById('pad');
const picked = () => [...pad().querySelectorAll('[data-digit][aria-pressed="true"]')];
const comment = () => pad().querySelector('[name="comment"]');
let pressing = 0;
let held = false;

export const isOpen = () => Boolean(pad()?.matches(':popover-open'));
export const close = () => isOpen() && pad().hidePopover();

export function toggle() {
  if (isOpen()) return pad().hidePopover();
  picked().forEach(button => press(button, false));
  show();
  pad().showPopover();
  pad().focus();
}

export const label = button => button.lastChild.textContent.trim();

// Choose a reason. Gives the buttons picked when that settles it, null when more is wanted.
export function choose(digit, several) {
  const button = pad().querySelector(`[data-digit="${digit}"]`);
  press(button, several ? button.getAttribute('aria-pressed') !== 'true' : true);
  show();
  return several ? null : settle();
}

export function settle() {
  const reasons = picked();
  if (!reasons.length) return null;
  if (reasons.some(button => button.value === 'other') && !comment().value.trim()) {
    comment().focus();
    return null;
  }
  return reasons;
}

function press(button, on) {
  button.setAttribute('aria-pressed', String(on));
}

function show() {
  pad().classList.toggle('wordy', picked().some(button => button.value === 'other'));
  pad().querySelector('[data-do="confirm"]').hidden = !picked().length;
}

// A long press on a touch screen picks without rejecting.
export function listen(main) {
  main.addEventListener('pointerdown', event => {
    const button = event.target.closest('#pad [data-digit]');
    held = false;
    clearTimeout(pressing);
    if (button && event.pointerType !== 'mouse') pressing = setTimeout(() => { held = true; choose(button.dataset.digit, true); navigator.vibrate?.(10); }, LONG_PRESS);
  });
  for (const end of ['pointerup', 'pointercancel']) main.addEventListener(end, () => clearTimeout(pressing));
  main.addEventListener('contextmenu', event => { if (event.target.closest('#pad')) event.preventDefault(); });
}

export function wasHeld() {
  const was = held;
  held = false;
  return was;
}
