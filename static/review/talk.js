// Comments, the wish for another draft, and the history of an item.

import { post } from './net.js';
import { notice, quick, words } from './notices.js';

const byId = id => document.getElementById(id);

export const ACTS = {
  comment: () => {
    const field = document.querySelector('#item .comment-form textarea');
    if (!field) return;
    field.closest('details').open = true;
    field.focus();
    field.scrollIntoView({ block: 'nearest' });
  },
  redraft: () => { const dialog = byId('redraft'); if (!dialog) return; dialog.showModal(); dialog.querySelector('textarea').focus(); },
  wish: ({ button }) => {
    const field = byId('redraft').querySelector('textarea[name="note"]');
    field.value = [field.value.trim(), button.textContent].filter(Boolean).join(words('comma'));
    field.focus();
  },
  history: () => { const link = document.querySelector('#item a[data-do="history"]'); if (link) window.open(link.href, '_blank', 'noopener'); },
  command: () => byId('find')?.showModal(),
};

// Whether this form is ours; then it is on its way.
export function submitted(event) {
  const form = event.target;
  if (form.matches('#item .comment-form')) comment(form);
  else if (form.matches('#item .redraft-form')) redraft(form);
  else return false;
  event.preventDefault();
  return true;
}

async function comment(form) {
  const answer = await post(form.action, new FormData(form));
  if (answer.kind === 'html') {
    const said = document.createElement('template');
    said.innerHTML = answer.html;
    byId('comments')?.replaceWith(said.content);
    return byId('title').focus();
  }
  notice(answer.kind === 'json' ? answer.data.code : answer.kind, answer.data?.message ?? '');
}

async function redraft(form) {
  const answer = await post(form.action, new FormData(form));
  byId('redraft').close();
  if (answer.kind === 'json' && answer.ok) {
    document.dispatchEvent(new CustomEvent('review:gone'));
    return quick(words('redrafting'));
  }
  notice(answer.kind === 'json' ? answer.data.code : answer.kind, answer.data?.message ?? '');
}
