// A file dropped on the form lands in its field. Without this script the field is there all the same.
document.addEventListener('DOMContentLoaded', () => {
  const zone = document.querySelector('.drop'), field = zone && zone.querySelector('input[type=file]');
  if (!field) return;
  const over = is => event => { event.preventDefault(); zone.classList.toggle('is-over', is); };
  zone.addEventListener('dragover', over(true));
  zone.addEventListener('dragleave', over(false));
  zone.addEventListener('drop', event => { over(false)(event); if (event.dataTransfer.files.length) field.files = event.dataTransfer.files; });
});

// "Tick all on this page" where there is a script; without one, each box is ticked by itself.
document.addEventListener('DOMContentLoaded', () => {
  for (const button of document.querySelectorAll('[data-tick-all]')) {
    const boxes = () => [...button.form.querySelectorAll('input[type=checkbox][name=post]')];
    if (!boxes().length) continue;
    button.hidden = false;
    button.addEventListener('click', () => { const on = boxes().some(box => !box.checked); boxes().forEach(box => { box.checked = on; }); });
  }
});
