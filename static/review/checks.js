// What the checks found, and what a person does about it: look, mend, overrule.

import * as editor from './editor.js';
import { locate } from './locate.js';
import { notice, say, words } from './notices.js';

const byId = id => document.getElementById(id);
const found = name => document.querySelector(`#checks li.${name}:not([data-trial])`);
let seen = '';  // the warnings that were pointed at

// What is not to be seen where it is read (code, marks of Markdown) is shown in the editor.
function point(line) {
  if (!line || locate(line, editor.view() === 'edit') || !JSON.parse(line.dataset.spots).length) return;
  editor.open({ title: line.dataset.field !== 'output' });
  locate(line, true);
}

export function blocked() {
  if (!byId('checks')?.hasAttribute('data-blocked')) return false;
  notice('refused', byId('blocked').textContent);
  point(found('no'));
  return true;
}

// A warning is seen before it is overruled: the first press points at it, the second, for the same warnings, accepts.
export function overruled(seat, warned, draft = '') {
  const key = [seat, draft, warned].join(' ');
  if (!warned || seen === key) return true;
  seen = key;
  notice('warned');
  say(words('warned'));
  if (!draft) point(found('warn'));
  return false;
}

export const ACTS = {
  locate: ({ button }) => point(button.closest('li')),
  tidy: () => editor.mend('tidy'),
  twin: () => byId('dup')?.showModal(),
  mask: () => editor.mend('mask'),
};
