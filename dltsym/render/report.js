const box = document.getElementById("search"), pick = document.getElementById("grade");
const items = [...document.querySelectorAll("details.record")];
function filter() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean), grade = pick.value;
  for (const item of items) {
    const text = item.dataset.text;
    item.hidden = !(words.every((w) => text.includes(w)) && (!grade || item.dataset.grades.split(" ").includes(grade)));
  }
  for (const part of document.querySelectorAll("section.area"))
    part.hidden = ![...part.querySelectorAll("details.record")].some((i) => !i.hidden);
}
box.addEventListener("input", filter);
pick.addEventListener("change", filter);
function reveal() {
  const item = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (item && item.tagName === "DETAILS") { item.open = true; item.scrollIntoView(); }
}
addEventListener("hashchange", reveal);
reveal();
