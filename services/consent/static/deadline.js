// Warns before the deadline that the page prints, puts it off without losing what was typed, and
// leaves the page when it has passed. Without this file the page's own link does the same by loading
// the page anew, and the service ends the session whatever the browser does.
(() => {
  'use strict';
  const line = document.getElementById('deadline');
  if (!line) return;
  const { extendUrl, afterUrl } = line.dataset;
  const text = document.getElementById('deadline-text');
  const live = document.getElementById('deadline-live');
  const offer = document.getElementById('deadline-offer');
  const link = document.getElementById('extend');
  let words = {
    seconds_left: Number(line.dataset.secondsLeft),
    warn_seconds: Number(line.dataset.warnSeconds),
    warning: line.dataset.warning,
    extendable: Boolean(extendUrl),
  };
  let endsAt;
  // A page that comes with less than the warning's time says so itself.
  let warned;
  let focusBefore;

  const begin = () => {
    endsAt = Date.now() + words.seconds_left * 1000;
    warned = words.seconds_left <= words.warn_seconds;
  };

  const leave = () => {
    clearInterval(ticking);
    location.replace(afterUrl);
  };

  const say = (words, ...more) => {
    const message = document.createElement('p');
    message.textContent = words;
    live.replaceChildren(message, ...more);
  };

  const extend = async (event) => {
    event.preventDefault();
    const hadFocus = live.contains(document.activeElement);
    const options = { redirect: 'manual', headers: { accept: 'application/json' } };
    const answer = await fetch(extendUrl, options).catch(() => null);
    if (answer?.type === 'opaqueredirect' || (answer?.status >= 400 && answer.status < 500)) leave();
    // No connection, or a service that is down: the warning stays, and so does what was typed.
    if (!answer?.ok) return;
    words = await answer.json();
    begin();
    text.textContent = words.line;
    link.closest('.extend').hidden = !words.extendable;
    say(words.line);
    if (hadFocus) (focusBefore ?? document.getElementById('title')).focus({ preventScroll: true });
    const said = live.firstChild;
    setTimeout(() => {
      if (live.firstChild === said) live.replaceChildren();
    }, 10_000);
  };

  const warn = () => {
    warned = true;
    if (!words.extendable) return say(words.warning);
    const button = offer.content.firstElementChild.cloneNode(true);
    button.addEventListener('click', extend);
    button.addEventListener('focus', ({ relatedTarget }) => {
      focusBefore = relatedTarget;
    });
    say(words.warning, button);
  };

  // A machine that slept counts on by the clock.
  const tick = () => {
    const secondsLeft = (endsAt - Date.now()) / 1000;
    if (secondsLeft <= 0) leave();
    else if (!warned && secondsLeft <= words.warn_seconds) warn();
  };

  begin();
  const ticking = setInterval(tick, 1000);
  if (link) {
    link.addEventListener('click', extend);
    document.getElementById('extend-note').hidden = true;
  }
})();
