"""The style sheet and the script of the pages, for browsers from 2015 on; they load nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

STYLE: Final = """
* { box-sizing: border-box; }
html { font: 100%/1.5 "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #f3f6f8; color: #1c2730; }
header.top { background: #12394a; color: #fff; padding: 1.25rem 1rem; }
header.top a { color: #cfe8f5; }
.wide { max-width: 70rem; margin: 0 auto; padding: 0 0.5rem; }
header.top h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; font-weight: 600; }
header.top p { margin: 0.25rem 0 0; }
main.wide { padding-top: 1rem; padding-bottom: 2rem; }
h2 { font-size: 1.15rem; margin: 1.5rem 0 0.5rem; color: #12394a; }
a { color: #0b5a85; }
a:focus, input:focus, .stage:focus { outline: 3px solid #e08a00; outline-offset: 2px; }
dl.facts { display: flex; flex-wrap: wrap; margin: 0 0 0.5rem; background: #fff; border: 1px solid #d3dde4;
  border-radius: 6px; padding: 0.5rem 1rem; }
dl.facts div { margin: 0.35rem 2rem 0.35rem 0; }
dl.facts dt { font-size: 0.8rem; color: #4d606d; }
dl.facts dd { margin: 0; font-weight: 600; overflow-wrap: break-word; word-wrap: break-word; }
ul.cards { list-style: none; display: flex; flex-wrap: wrap; margin: 0 -0.5rem; padding: 0; }
ul.cards > li { width: 20rem; max-width: 100%; padding: 0.5rem; display: flex; }
ul.cards a.card { display: flex; flex-direction: column; width: 100%; background: #fff; border: 1px solid #d3dde4;
  border-radius: 6px; overflow: hidden; text-decoration: none; color: inherit; }
ul.cards a.card:hover { border-color: #0b5a85; }
.card .view { background: #000; height: 13rem; display: block; text-align: center; }
.card .view img { width: 100%; height: 13rem; object-fit: contain; }
.card .words { padding: 0.6rem 0.8rem 0.8rem; display: block; }
.card strong { display: block; color: #0b5a85; overflow-wrap: break-word; word-wrap: break-word; }
.card span.line { display: block; font-size: 0.9rem; color: #44555f; }
.none { display: block; background: #e4eaee; color: #37474f; padding: 1rem; font-size: 0.9rem; width: 100%;
  overflow-wrap: break-word; word-wrap: break-word; }
.view .none { height: 13rem; display: flex; align-items: center; justify-content: center; }
p.small { font-size: 0.85rem; color: #44555f; margin: 0.5rem 0; }
ol.pictures { list-style: none; display: flex; flex-wrap: wrap; margin: 0 -0.4rem; padding: 0; }
ol.pictures > li { width: 15rem; max-width: 50%; padding: 0.4rem; }
figure { margin: 0; background: #fff; border: 1px solid #d3dde4; border-radius: 4px; overflow: hidden; }
figure.on { border-color: #e08a00; box-shadow: 0 0 0 2px #e08a00; }
.frame { position: relative; display: block; background: #000; text-align: center; }
.frame img { display: block; width: 100%; height: 14rem; object-fit: contain; }
.edge { position: absolute; text-decoration: none; color: #ffe08a; font-weight: 600; font-size: 0.85rem; text-shadow: 0 0 3px #000, 0 0 3px #000; }
.edge.left { left: 0.35rem; top: 50%; margin-top: -0.7em; }
.edge.right { right: 0.35rem; top: 50%; margin-top: -0.7em; }
.edge.top { top: 0.2rem; left: 0; right: 0; }
.edge.bottom { bottom: 0.2rem; left: 0; right: 0; }
figcaption { padding: 0.35rem 0.6rem; font-size: 0.85rem; color: #33434d; overflow-wrap: break-word; word-wrap: break-word; }
.viewer { background: #fff; border: 1px solid #d3dde4; border-radius: 6px; padding: 0.75rem; margin: 1rem 0; }
.stage { position: relative; background: #000; text-align: center; cursor: ns-resize; touch-action: none; }
.stage img { display: block; width: 100%; height: 62vh; min-height: 16rem; object-fit: contain; }
.stage .edge { font-size: 1.1rem; }
.viewer input { width: 100%; margin: 0.75rem 0 0; height: 1.75rem; }
.viewer label, .viewer output { display: block; }
.viewer .help { margin: 0.25rem 0 0; font-size: 0.85rem; color: #4d606d; }
.note { background: #fff4d6; border: 1px solid #e3c677; border-radius: 6px; padding: 0.6rem 0.9rem; color: #4b3a00; }
.report { background: #fff; border: 1px solid #d3dde4; border-radius: 6px; padding: 1rem 1.25rem; }
.report p { margin: 0.3rem 0; white-space: pre-wrap; overflow-wrap: break-word; word-wrap: break-word; }
.report h3 { margin: 1rem 0 0.25rem; font-size: 1.05rem; color: #12394a; }
.d1 { margin-left: 0; } .d2 { margin-left: 1.25rem; } .d3 { margin-left: 2.5rem; } .d4 { margin-left: 3.75rem; }
footer { border-top: 1px solid #d3dde4; padding: 1rem; font-size: 0.85rem; color: #44555f; }
footer p { margin: 0.25rem 0; }
@media (max-width: 30rem) {
  header.top h1 { font-size: 1.3rem; }
  ul.cards > li { width: 100%; }
  .frame img { height: 10rem; }
  .stage img { height: 60vh; }
  dl.facts div { margin-right: 1.25rem; }
  .d2, .d3, .d4 { margin-left: 0.75rem; }
}
@media print {
  body { background: #fff; }
  header.top { background: #fff; color: #000; border-bottom: 2px solid #000; }
  .viewer, nav { display: none; }
  ul.cards > li, ol.pictures > li, figure, .report p { page-break-inside: avoid; }
  .frame, .card .view, .stage { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

SCRIPT: Final = """/*<![CDATA[*/
(function () {
  'use strict';
  var figures = document.querySelectorAll('ol.pictures figure.shown');
  var place = document.getElementById('viewer');
  if (!place || figures.length < 1) { return; }
  var at = 0, start = null, preloaded = {};
  function make(name, kind, parent) {
    var made = document.createElement(name);
    if (kind) { made.className = kind; }
    parent.appendChild(made);
    return made;
  }
  place.className = 'viewer';
  var stage = make('div', 'stage', place);
  stage.tabIndex = 0;
  stage.setAttribute('role', 'group');
  stage.setAttribute('aria-label', place.getAttribute('data-label'));
  var image = make('img', '', stage), edges = {};
  ['left', 'right', 'top', 'bottom'].forEach(function (edge) {
    edges[edge] = make('span', 'edge ' + edge, stage);
    edges[edge].setAttribute('aria-hidden', 'true');
  });
  var label = make('label', '', place);
  var slider = make('input', '', label);
  var words = make('output', '', place);
  words.setAttribute('aria-live', 'polite');
  make('p', 'help', place).textContent = place.getAttribute('data-help');
  slider.type = 'range';
  slider.min = 1;
  slider.max = figures.length;
  slider.setAttribute('aria-label', place.getAttribute('data-label'));
  function source(index) { return figures[index].querySelector('img').getAttribute('src'); }
  function preload(index) {
    if (index >= 0 && index < figures.length && !preloaded[index]) {
      preloaded[index] = new Image();
      preloaded[index].src = source(index);
    }
  }
  function show(index) {
    index = Math.max(0, Math.min(figures.length - 1, index));
    figures[at].classList.remove('on');
    at = index;
    var figure = figures[at], ahead;
    figure.classList.add('on');
    image.src = source(at);
    image.alt = figure.querySelector('img').alt;
    Object.keys(edges).forEach(function (edge) {
      var letters = figure.querySelector('.edge.' + edge);
      edges[edge].textContent = letters ? letters.textContent : '';
    });
    words.textContent = figure.querySelector('figcaption').textContent;
    slider.value = at + 1;
    for (ahead = 1; ahead < 5; ahead += 1) { preload(at + ahead); preload(at - ahead); }
  }
  var steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10,
    Home: -1e9, End: 1e9, 40: 1, 39: 1, 38: -1, 37: -1, 34: 10, 33: -10, 36: -1e9, 35: 1e9 };
  stage.addEventListener('keydown', function (event) {
    var step = steps[event.key] || steps[event.keyCode];
    if (step) { event.preventDefault(); show(at + step); }
  });
  stage.addEventListener('wheel', function (event) {
    event.preventDefault();
    if (event.deltaY) { show(at + (event.deltaY > 0 ? 1 : -1)); }
  });
  function drag(y) {
    if (start !== null && Math.abs(y - start) > 14) { show(at + (y > start ? 1 : -1)); start = y; }
  }
  stage.addEventListener('touchstart', function (event) { start = event.touches[0].clientY; });
  stage.addEventListener('touchmove', function (event) { event.preventDefault(); drag(event.touches[0].clientY); });
  stage.addEventListener('touchend', function () { start = null; });
  stage.addEventListener('mousedown', function (event) { start = event.clientY; });
  stage.addEventListener('mousemove', function (event) { if (event.buttons) { drag(event.clientY); } });
  stage.addEventListener('mouseup', function () { start = null; });
  image.draggable = false;
  slider.addEventListener('input', function () { show(slider.value - 1); });
  slider.addEventListener('change', function () { show(slider.value - 1); });
  Array.prototype.forEach.call(figures, function (figure, index) {
    figure.querySelector('a').addEventListener('click', function (event) {
      event.preventDefault();
      show(index);
      stage.focus();
      place.scrollIntoView();
    });
  });
  show(Math.floor((figures.length - 1) / 2));
}());
/*]]>*/"""


def _hash(code: str) -> str:
    return "'sha256-" + b64encode(sha256(code.encode("ascii")).digest()).decode("ascii") + "'"


POLICY: Final = (
    "default-src 'none'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    f"style-src 'unsafe-inline' {_hash(STYLE)}; script-src 'unsafe-inline' {_hash(SCRIPT)}"
)
"""Content-Security-Policy: only our own style, script and pictures. Browsers that know hashes ignore 'unsafe-inline'."""
