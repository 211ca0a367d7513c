"use strict";

// Everything is read from the JSON block and written with textContent; nothing is ever parsed as markup.
// Answers live in localStorage under the study's own key until they are saved as a file.

const study = JSON.parse(document.getElementById("study").textContent);
const key = "wavbrivl-human-study:" + study.id;
const $ = (id) => document.getElementById(id);
const screens = ["welcome", "asking", "finished"];
let state = load();
let shown = 0;
let heard = false;
let plays = 0;
let since = 0;

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    if (kept && kept.study === study.id && kept.answers) return kept;
  } catch (error) {
    // Storage that is closed to this page, or damaged: begin anew; keep() says so.
  }
  return { study: study.id, rater: randomName(), started: now(), answers: {} };
}

function keep() {
  try {
    localStorage.setItem(key, JSON.stringify(state));
    $("storage").hidden = localStorage.getItem(key) !== null;
  } catch (error) {
    $("storage").hidden = false;
  }
}

function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function now() {
  return new Date().toISOString();
}

function show(name) {
  for (const screen of screens) $(screen).hidden = screen !== name;
  $(name).querySelector("h1").focus();
  window.scrollTo(0, 0);
}

function ask(index) {
  const question = study.questions[index];
  const answered = state.answers[question.id];
  shown = index;
  heard = answered !== undefined;
  plays = 0;
  since = performance.now();
  $("audio").pause();
  $("audio").src = question.sound;
  $("left").src = question.left;
  $("right").src = question.right;
  for (const input of $("form").elements.choice) input.checked = Boolean(answered && answered.choice === input.value);
  const test = "Test " + question.test + " of " + study.tests;
  $("place").textContent = test + ", question " + (index + 1) + " of " + study.questions.length;
  $("heading").textContent = "Question " + (index + 1) + ": listen, then choose";
  $("progress").max = study.questions.length;
  $("progress").value = Object.keys(state.answers).length;
  $("play-text").textContent = "Play the sound";
  $("back").disabled = index === 0;
  $("hint").textContent = "";
  show("asking");
}

function play() {
  const audio = $("audio");
  audio.currentTime = 0;
  audio.play().catch(() => {
    heard = true; // A sound that cannot be played must not lock the rater in.
    $("hint").textContent = "The sound could not be played. Choose if you can, or say that neither fits.";
  });
}

function next() {
  const question = study.questions[shown];
  const choice = $("form").elements.choice.value;
  if (!heard) return hint("Please play the sound first.", "play");
  if (!choice) return hint("Please choose picture A, picture B, or neither.", null);
  const before = state.answers[question.id];
  const seconds = (performance.now() - since) / 1000 + (before ? before.seconds : 0);
  state.answers[question.id] = {
    choice: choice,
    seconds: Math.round(seconds * 10) / 10,
    plays: plays + (before ? before.plays : 0),
  };
  keep();
  const open = study.questions.findIndex((other) => !state.answers[other.id]);
  if (shown + 1 < study.questions.length) ask(shown + 1);
  else if (open >= 0) ask(open);
  else finish();
}

function hint(text, focus) {
  $("hint").textContent = text;
  if (focus) $(focus).focus();
}

function finish() {
  $("saved").textContent = "";
  $("forget").hidden = !state.exported;
  show("finished");
}

function exportAnswers() {
  const answers = study.questions
    .filter((question) => state.answers[question.id])
    .map((question) => ({ question: question.id, ...state.answers[question.id] }));
  const file = { format: 1, study: study.id, rater: state.rater, started: state.started, saved: now(), answers };
  const blob = new Blob([JSON.stringify(file, null, 1) + "\n"], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = "answers-" + study.id + "-" + state.rater.slice(0, 8) + ".json";
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  state.exported = now();
  keep();
  return answers.length;
}

function forget() {
  if (!confirm("Remove the answers from this browser? The saved file stays where it is.")) return;
  try {
    localStorage.removeItem(key);
  } catch (error) {
    // Where nothing could be kept, there is nothing to remove.
  }
  location.reload();
}

function onKey(event) {
  if ($("asking").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const choice = { 1: "left", 2: "right", 3: "neither" }[event.key];
  if (choice) {
    const input = $("form").querySelector('input[value="' + choice + '"]');
    input.checked = true;
    input.focus();
  } else if (event.key === "p" || event.key === "P") {
    play();
  } else if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
    next();
  } else {
    return;
  }
  event.preventDefault();
}

function fill(name, text) {
  for (const place of document.querySelectorAll('[data-fill="' + name + '"]')) place.textContent = text;
}

fill("questions", String(study.questions.length));
fill("minutes", String(Math.max(1, Math.round((study.questions.length * 10) / 60))));
fill("contact", study.contact);
$("start").addEventListener("click", () => ask(0));
$("play").addEventListener("click", play);
$("audio").addEventListener("playing", () => {
  heard = true;
  plays += 1;
  $("play-text").textContent = "Playing";
  $("hint").textContent = "";
});
$("audio").addEventListener("ended", () => {
  $("play-text").textContent = "Play it again";
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  next();
});
$("back").addEventListener("click", () => ask(shown - 1));
$("review").addEventListener("click", () => ask(study.questions.length - 1));
$("partial").addEventListener("click", () => {
  hint(exportAnswers() + " of " + study.questions.length + " answers are in the file. You can go on.", null);
});
$("export").addEventListener("click", () => {
  exportAnswers();
  $("saved").textContent = "Saved. The file is where this browser puts its downloads.";
  $("forget").hidden = false;
});
$("forget").addEventListener("click", forget);
document.addEventListener("keydown", onKey);

keep();
const first = study.questions.findIndex((question) => !state.answers[question.id]);
if (first < 0) finish();
else if (first > 0) ask(first);
else show("welcome");
