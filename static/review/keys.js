// Which key means what. Pure: an event and where it fell go in, an action (or null) comes out.

const REPEATABLE = new Set(['down', 'up']);  // everything else is done once, however long the key is held
const DIGIT = /^(?:Digit|Numpad)([0-9])$/;
const ENTER = new Set(['Enter', 'NumpadEnter']);

// where: { typing: in a text field, layer: null | 'pad' | 'menu' | 'dialog', view: 'read' | 'edit' | 'cmp', single: single keys are on,
//          keys: act -> code, the person's own }
// Keys are matched by position (code): with a Chinese input method on, `key` says Process.
export function actionOf(event, where) {
  if (event.isComposing || event.keyCode === 229) return null;
  const found = choose(event, where);
  return found && event.repeat && !REPEATABLE.has(found.name) ? null : found;
}

function choose(event, where) {
  if (event.altKey) return null;
  if (event.ctrlKey || event.metaKey) return withControl(event, where);
  if (where.layer === 'pad') return inPad(event, where);
  if (where.layer) return null;
  if (event.code === 'Escape') return where.view === 'read' ? null : { name: 'leave' };
  if (where.typing) return null;
  if (event.key === '?' || (event.shiftKey && event.code === 'Slash')) return { name: 'keys' };
  if (!where.single) return null;
  if (event.shiftKey) return event.code === where.keys.diff && where.view === 'edit' ? { name: 'sentences' } : null;
  const digit = DIGIT.exec(event.code);
  if (digit && where.view === 'cmp') return digit[1] === '0' ? { name: 'neither' } : { name: 'choose', digit: digit[1] };
  const name = Object.keys(where.keys).find(act => where.keys[act] === event.code);
  return name ? { name } : null;
}

function withControl(event, where) {
  if (event.code === 'KeyK' && !event.shiftKey) return { name: 'command' };
  if (where.layer) return null;
  if (ENTER.has(event.code)) return where.writing ? { name: 'send' } : where.view === 'edit' ? { name: 'accept' } : null;
  return event.code === 'KeyS' && where.view === 'edit' ? { name: 'save' } : null;
}

function inPad(event, where) {
  if (ENTER.has(event.code)) return { name: 'confirm' };
  if (where.typing) return null;
  const digit = DIGIT.exec(event.code);
  if (digit && digit[1] !== '0') return { name: 'digit', digit: digit[1], several: event.shiftKey };
  return event.code === where.keys.reject && !event.shiftKey ? { name: 'reject' } : null;
}

export function isTyping(target) {
  return Boolean(target?.closest?.('textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])'));
}
