// What every page needs, before it paints: the theme somebody chose. Loaded in <head>, so there is no flash of the other one.
(() => {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const stored = (() => { try { return localStorage.getItem('theme'); } catch { return null; } })();
  if (stored === 'dark' || stored === 'light') root.dataset.theme = stored;
  const say = () => document.querySelectorAll('[data-theme-toggle]').forEach(b => b.setAttribute('aria-pressed', dark()));
  document.addEventListener('DOMContentLoaded', say);
  document.addEventListener('click', event => {
    if (!event.target.closest('[data-theme-toggle]')) return;
    root.dataset.theme = dark() ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch { /* private window: it lasts for this page */ }
    say();
  });
  // Signing out takes what this device has kept for the person with it. Decisions that are not sent yet want to be thought of first.
  document.addEventListener('submit', event => {
    if (!event.target.matches('[data-sign-out]')) return;
    try {
      const kept = Object.keys(localStorage).filter(key => key.startsWith('zhumo:'));
      const unsent = kept.some(key => key.endsWith(':outbox'));
      if (unsent && !confirm(event.target.dataset.signOut)) return event.preventDefault();
      kept.forEach(key => localStorage.removeItem(key));
    } catch { /* nothing is kept in a private window */ }
  });
})();
