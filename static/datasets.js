/* Copies a checksum, and sends a form once. Without it the checksum can be selected, and the server counts two clicks as one. */
(() => {
  'use strict';
  const prepare = () => {
    if (navigator.clipboard) document.querySelectorAll('[data-copy]').forEach(button => { button.hidden = false; });
  };
  document.addEventListener('click', async event => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    try { await navigator.clipboard.writeText(button.dataset.copy); button.classList.add('ok'); } catch { /* it can be selected by hand */ }
  });
  document.addEventListener('submit', event => {
    if (event.target.matches('[data-once]')) event.target.querySelectorAll('button:not([type])').forEach(button => { button.disabled = true; });
  });
  document.addEventListener('DOMContentLoaded', prepare);
})();
