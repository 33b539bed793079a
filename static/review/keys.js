// Which key means what. Pure: an event and where it fell go in, an action (or null) comes out.

const SINGLE = {
  KeyA: 'accept', KeyE: 'edit', KeyR: 'reject', KeyS: 'skip', KeyZ: 'undo', KeyT: 'title',
  KeyL: 'renew', KeyB: 'guide', KeyO: 'post', KeyJ: 'down', KeyK: 'up',
};
const REPEATABLE = new Set(['down', 'up']);  // everything else is done once, however long the key is held
const DIGIT = /^(?:Digit|Numpad)([1-9])$/;
const ENTER = new Set(['Enter', 'NumpadEnter']);

// where: { typing: in a text field, layer: null | 'pad' | 'menu' | 'dialog', editing: in the editor's view, single: single keys are on }
// Keys are matched by position (code): with a Chinese input method on, `key` says Process.
export function actionOf(event, where) {
  if (event.isComposing || event.keyCode === 229) return null;
  const found = choose(event, where);
  return found && event.repeat && !REPEATABLE.has(found.name) ? null : found;
}

function choose(event, where) {
  const mod = event.ctrlKey || event.metaKey;
  if (event.altKey) return null;
  if (mod) return ENTER.has(event.code) && where.editing && !where.layer ? { name: 'accept' } : null;
  if (where.layer === 'pad') return inPad(event, where);
  if (where.layer) return null;
  if (event.code === 'Escape') return where.editing ? { name: 'leave' } : null;
  if (where.typing) return null;
  if (event.key === '?' || (event.shiftKey && event.code === 'Slash')) return { name: 'keys' };
  if (event.shiftKey) return null;
  if (!where.single) return null;
  return SINGLE[event.code] ? { name: SINGLE[event.code] } : null;
}

function inPad(event, where) {
  if (ENTER.has(event.code)) return { name: 'confirm' };
  if (where.typing) return null;
  const digit = DIGIT.exec(event.code);
  if (digit) return { name: 'digit', digit: digit[1], several: event.shiftKey };
  return event.code === 'KeyR' && !event.shiftKey ? { name: 'reject' } : null;
}

export function isTyping(target) {
  return Boolean(target?.closest?.('textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])'));
}
