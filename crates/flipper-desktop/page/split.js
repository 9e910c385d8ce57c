// Two parts beside each other, or one above the other where there is little room. Their border can be moved.

import {html, nothing} from './lib/lit-html/lit-html.js';

const LEAST = 15;
const MOST = 80;
const STEP = 5;

// The second part may be `nothing`. Its size is remembered under the name.
export function split(settings, name, first, second) {
  if (second === nothing) return html`<div class="split">${first}</div>`;
  const percent = Math.min(MOST, Math.max(LEAST, settings.get(`split.${name}`, 42)));
  return html`<div class="split two" .style=${`--second: ${percent}%`}>${first}
    <div class="border" role="separator" tabindex="0" aria-label="Size of the details" aria-valuenow=${Math.round(percent)} aria-valuemin=${LEAST} aria-valuemax=${MOST}
      @pointerdown=${(event) => drag(settings, name, event)} @keydown=${(event) => move(settings, name, percent, event)}></div>
    ${second}</div>`;
}

function set(settings, name, element, percent) {
  const within = Math.min(MOST, Math.max(LEAST, percent));
  settings.set(`split.${name}`, within);
  element.parentElement.style.setProperty('--second', `${within}%`);
  element.setAttribute('aria-valuenow', Math.round(within));
}

function drag(settings, name, event) {
  const border = event.currentTarget;
  border.setPointerCapture(event.pointerId);
  const moved = ({clientX, clientY}) => {
    const {left, top, width, height} = border.parentElement.getBoundingClientRect();
    const isBeside = getComputedStyle(border.parentElement).flexDirection === 'row';
    set(settings, name, border, 100 * (isBeside ? 1 - (clientX - left) / width : 1 - (clientY - top) / height));
  };
  border.addEventListener('pointermove', moved);
  border.addEventListener('lostpointercapture', () => border.removeEventListener('pointermove', moved), {once: true});
}

function move(settings, name, percent, event) {
  const steps = {ArrowLeft: STEP, ArrowUp: STEP, ArrowRight: -STEP, ArrowDown: -STEP};
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  set(settings, name, event.currentTarget, settings.get(`split.${name}`, percent) + step);
}
