"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const data = JSON.parse(byId("data").textContent);
  const dimensions = data.dimensions;
  const place = (name) => dimensions.findIndex((one) => one.name === name);
  // the rows of the matrix: without segments, activity or an attribute
  const NEEDS = place(data.rows), TIER = place("value_tier");
  // what is summed up, if anything is, and whether it is known of later too
  const VALUE = data.value, EACH = data.each, LATER = data.days[0] > 0;
  const Value = VALUE.charAt(0).toUpperCase() + VALUE.slice(1);
  const WITHHELD = "fewer than " + data.below + " or withheld";
  const MINUS = "\u2212", DASH = "\u2013";
  const FEW = 12; // features shown at first

  // ---- words
  const count = (value) => Math.round(value).toLocaleString("en-US");
  const percent = (value) => (100 * value).toFixed(1) + "%";
  const change = (value) => {
    if (value === null) return DASH;
    const whole = Math.abs(100 * value).toFixed(0);
    return (value < 0 && whole !== "0" ? MINUS : "+") + whole + "%";
  };
  const money = (value) => {
    if (value === null) return DASH;
    const sign = value < 0 ? MINUS : "", size = Math.abs(value);
    for (const [unit, letter, digits] of [[1e9, "bn", 2], [1e6, "m", 2], [1e4, "k", 1]])
      if (size >= unit)
        return sign + data.symbol + (size / (letter === "k" ? 1e3 : unit)).toFixed(digits) + letter;
    return sign + data.symbol + count(size);
  };
  const quantity = (value, unit) => {
    if (value === null) return DASH;
    if (unit === "currency") return money(value);
    if (unit === "share") return percent(value);
    const told = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return (value < 0 ? MINUS : "") + told;
  };
  const element = (tag, attributes = {}, ...inside) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      if (value !== null && value !== undefined) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  };

  // ---- groups: conditions are a map from dimension to level, both as positions
  const sizes = dimensions.map((one) => one.levels.length);
  const apart = new Set(data.apart.map(([one, other]) => one + "," + other));
  const spots = {}; // cell of a table -> its place among those shown
  for (const [key, [customers]] of Object.entries(data.tables)) {
    let next = 0;
    spots[key] = Int32Array.from(customers, (n) => (n ? next++ : -1));
  }
  const inOrder = (conditions) => [...conditions.keys()].sort((a, b) => a - b);
  const clash = (used, dimension) =>
    used.find((other) => apart.has(Math.min(other, dimension) + "," + Math.max(other, dimension)));
  const group = (conditions) => {
    const used = inOrder(conditions), key = used.join(",");
    const table = data.tables[key];
    if (!table) return null;
    const cell = used.reduce((at, i) => at * sizes[i] + conditions.get(i), 0);
    const spot = spots[key][cell];
    if (spot < 0) return null;
    const customers = table[0][cell];
    const [sales, later] = [1, 2].map((i) => (table[i] ? table[i][spot] : null));
    const judged = data.days[1] > 0 && sales > 0;
    return {
      customers, sales, later,
      perCustomer: sales === null ? null : sales / customers,
      trend: judged ? later / data.days[1] / (sales / data.days[0]) - 1 : null,
    };
  };
  const everyone = group(new Map());
  const figures = (conditions) => {
    const found = group(conditions);
    return found && {
      ...found,
      shareCustomers: found.customers / everyone.customers,
      shareSales: everyone.sales ? found.sales / everyone.sales : 0,
    };
  };
  const and = (conditions, dimension, level) => new Map(conditions).set(dimension, level);
  const without = (conditions, ...gone) =>
    new Map([...conditions].filter(([dimension]) => !gone.includes(dimension)));
  const level = (dimension, at) => dimensions[dimension].levels[at];
  const said = (conditions) =>
    inOrder(conditions).map((i) => dimensions[i].label + ": " + level(i, conditions.get(i))).join(", ");
  const fits = (conditions, dimension) =>
    conditions.size < data.most && !conditions.has(dimension) &&
    clash([...conditions.keys()], dimension) === undefined;

  // ---- state, kept in the address
  const fresh = () => ({ filter: new Map(), sort: "", split: -1, cell: null, one: 0, other: 1, feature: "few" });
  let state = fresh();
  const classified = data.segments.filter((one) => one.id > 0);
  const write = () => {
    const told = new URLSearchParams();
    for (const i of inOrder(state.filter)) told.set(dimensions[i].name, level(i, state.filter.get(i)));
    if (state.sort) told.set("sort", state.sort);
    if (state.split >= 0) told.set("split", dimensions[state.split].name);
    if (state.cell) {
      told.set("cell_tier", level(TIER, state.cell[0]));
      told.set("cell_needs", level(NEEDS, state.cell[1]));
    }
    if (state.one !== 0 || state.other !== 1)
      told.set("compare", classified[state.one].name + "|" + classified[state.other].name);
    if (state.feature !== "few") told.set("feature", state.feature);
    const anchor = location.hash.slice(1).split("&")[0];
    const parts = [anchor.includes("=") ? "" : anchor, told.toString()].filter(Boolean);
    const address = parts.length ? "#" + parts.join("&") : location.pathname + location.search;
    if (location.hash.slice(1) !== parts.join("&")) history.replaceState(null, "", address);
  };
  const read = () => {
    const told = new URLSearchParams(location.hash.slice(1)), found = fresh();
    dimensions.forEach((one, i) => {
      const at = one.levels.indexOf(told.get(one.name));
      if (at >= 0 && fits(found.filter, i)) found.filter.set(i, at);
    });
    if (/^-?(name|customers|sales|perCustomer|trend|stability|action)$/.test(told.get("sort") || "")) found.sort = told.get("sort");
    if (told.has("split")) found.split = place(told.get("split"));
    if (told.has("cell_tier") && TIER >= 0 && NEEDS >= 0) {
      const cell = [level2(TIER, told.get("cell_tier")), level2(NEEDS, told.get("cell_needs"))];
      if (Math.min(...cell) >= 0) found.cell = cell;
    }
    const pair = (told.get("compare") || "").split("|").map((name) => classified.findIndex((one) => one.name === name));
    if (pair.length === 2 && Math.min(...pair) >= 0) [found.one, found.other] = pair;
    if (told.has("feature")) found.feature = told.get("feature");
    return found;
  };
  const level2 = (dimension, name) => dimensions[dimension].levels.indexOf(name);

  // ---- filters
  const selects = all("#filters select");
  const drawFilters = () => {
    const reasons = [];
    for (const select of selects) {
      const i = Number(select.dataset.dimension), others = without(state.filter, i);
      const against = clash([...others.keys()], i);
      const full = others.size >= data.most;
      select.disabled = full || against !== undefined;
      if (!full && against !== undefined)
        reasons.push(dimensions[i].label + " largely says the same as " + dimensions[against].label + ".");
      select.parentElement.classList.toggle("in-use", state.filter.has(i));
      [...select.options].forEach((option, at) => {
        if (!at) return;
        const found = select.disabled ? undefined : group(and(others, i, at - 1));
        const words = level(i, at - 1) + (found ? " (" + count(found.customers) + ")" : found === null ? " (" + WITHHELD + ")" : "");
        if (option.textContent !== words) option.textContent = words;
        option.disabled = found === null && state.filter.get(i) !== at - 1;
      });
      select.value = state.filter.has(i) ? String(state.filter.get(i)) : "";
    }
    if (state.filter.size >= data.most)
      reasons.unshift("At most " + data.most + " conditions can be set at once, because groups of more conditions are too small to be shown. Set one to \u201cany\u201d to choose another.");
    const why = reasons.join(" ");
    if (byId("why").textContent !== why) byId("why").textContent = why;
  };
  const drawKey = (list, found) => {
    const rows = found
      ? [["Customers", count(found.customers)], ["Share of customers", percent(found.shareCustomers)],
         ...(VALUE ? [[Value, money(found.sales)], ["Share of " + VALUE, percent(found.shareSales)],
           ...(EACH ? [[Value + " per customer", money(found.perCustomer)]] : [])] : []),
         ...(LATER ? [["Trend", change(found.trend)]] : [])]
      : [];
    list.replaceChildren(...rows.map(([term, value]) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value))));
  };
  const drawChosen = () => {
    const found = figures(state.filter), told = said(state.filter);
    const customers = found ? count(found.customers) + " of " + count(everyone.customers) + " customers" : WITHHELD[0].toUpperCase() + WITHHELD.slice(1);
    const words = state.filter.size ? customers + ". " + told + "." : "All " + count(everyone.customers) + " customers. No condition is set.";
    if (byId("said").textContent !== words) byId("said").textContent = words;
    drawKey(byId("chosen"), found);
    byId("reset").disabled = !state.filter.size;
  };

  // ---- a split by one more dimension
  const splitBy = byId("split-by");
  const splits = (conditions, dimension) =>
    dimensions[dimension].levels.map((name, at) => ({ name, ...figures(and(conditions, dimension, at)) }));
  const heading = (words, kind) => element("th", { scope: "col", class: kind, role: "columnheader" }, words);
  const cellOf = (words, kind, label) => element("td", { class: kind, "data-label": label, role: "cell" }, words);
  const drawSplit = () => {
    const options = dimensions.map((one, i) => [one, i]).filter(([, i]) => fits(state.filter, i));
    splitBy.replaceChildren(
      element("option", { value: "-1" }, options.length ? "nothing" : "nothing: " + state.filter.size + " conditions are set"),
      ...options.map(([one, i]) => element("option", { value: i }, one.label)));
    const able = fits(state.filter, state.split) && state.split >= 0;
    splitBy.value = able ? String(state.split) : "-1";
    byId("save-split").hidden = !able;
    if (!able) return byId("split").replaceChildren();
    const label = dimensions[state.split].label;
    const heads = ["Customers", "Share of customers", ...(VALUE ? [Value, ...(EACH ? [Value + " per customer"] : [])] : []), ...(LATER ? ["Trend"] : [])];
    const rows = splits(state.filter, state.split).map((row) =>
      element("tr", { role: "row" }, element("th", { scope: "row", class: "t", role: "rowheader" }, row.name),
        ...(row.customers
          ? [count(row.customers), percent(row.shareCustomers), ...(VALUE ? [money(row.sales), ...(EACH ? [money(row.perCustomer)] : [])] : []), ...(LATER ? [change(row.trend)] : [])]
          : heads.map((_, i) => (i ? DASH : WITHHELD))).map((words, i) => cellOf(words, "n", heads[i]))));
    const caption = label + (state.filter.size ? ", among customers with " + said(state.filter) : ", all customers");
    byId("split").replaceChildren(element("div", { class: "study-table stack", role: "region", tabindex: "0", "aria-label": caption },
      element("table", { role: "table" },
        element("caption", {}, element("span", {}, caption)),
        element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, heading(label, "t"), ...heads.map((head) => heading(head, "n")))),
        element("tbody", { role: "rowgroup" }, ...rows))));
  };

  // ---- segments
  const segmentRows = all(".segments tbody tr[data-name]"); // without segments, tables of worth look like theirs
  const within = (name, conditions, able) => {
    const line = document.querySelector('[data-within="' + name + '"]');
    line.hidden = !state.filter.size;
    line.textContent = able
      ? "Among customers with " + said(conditions) + "."
      : "Too many conditions are set to split further: at most " + data.most + " can meet. Set one to \u201cany\u201d.";
  };
  const segmentFigures = (name) => {
    const at = dimensions[NEEDS].levels.indexOf(name);
    return at < 0 ? null : figures(and(without(state.filter, NEEDS), NEEDS, at));
  };
  const share = (kind, value, scale) =>
    element("span", { class: "share " + kind }, element("span", { class: "figure" }, percent(value)),
      element("span", { class: "bar", "aria-hidden": "true", style: "width:" + (100 * value / scale).toFixed(1) + "%" }));
  const drawSegments = () => {
    if (!segmentRows.length || NEEDS < 0) return;
    const others = without(state.filter, NEEDS), able = others.size < data.most;
    within("segments", state.filter, able);
    const found = new Map(segmentRows.map((row) => [row, segmentFigures(row.dataset.name)]));
    const scale = Math.max(1e-9, ...[...found.values()].filter(Boolean).flatMap((one) => [one.shareCustomers, one.shareSales]));
    for (const [row, one] of found) {
      const at = (figure) => row.querySelector('[data-figure="' + figure + '"]');
      at("customers").textContent = one ? count(one.customers) : WITHHELD;
      at("shares").replaceChildren(...(one ? [share("people", one.shareCustomers, scale), ...(VALUE ? [share("money", one.shareSales, scale)] : [])] : [DASH]));
      if (EACH) at("perCustomer").querySelector(".now").textContent = one ? money(one.perCustomer) : DASH;
      const interval = row.querySelector(".whole");
      if (interval) interval.hidden = others.size > 0; // it is known for whole segments only
      if (LATER) at("trend").textContent = one ? change(one.trend) : DASH;
      row.hidden = state.filter.has(NEEDS) && row.dataset.name !== level(NEEDS, state.filter.get(NEEDS));
    }
    sortSegments(found);
  };
  const sortSegments = (found) => {
    const down = state.sort.startsWith("-"), key = state.sort.replace("-", "");
    const value = (row) => {
      if (key === "name" || key === "action") return row.dataset[key];
      if (key === "stability") return Number(row.dataset.stability);
      const one = found.get(row);
      return one ? one[key] ?? -Infinity : -Infinity;
    };
    const rows = [...segmentRows];
    if (key) rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      const order = typeof x === "string" ? x.localeCompare(y) : x === y ? 0 : x < y ? -1 : 1;
      return down ? -order : order;
    });
    const body = segmentRows[0].parentElement;
    if (rows.some((row, i) => body.children[i] !== row)) body.append(...rows);
    for (const head of all(".segments thead th"))
      if (head.dataset.sort === key) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
  };

  // ---- matrix
  const cells = all(".matrix tbody td").map((cell) => ({
    cell, tier: Number(cell.dataset.tier), need: Number(cell.parentElement.dataset.need),
  }));
  const drawMatrix = () => {
    if (!cells.length) return;
    const others = without(state.filter, NEEDS, TIER), able = others.size + 2 <= data.most;
    within("matrix", state.filter, able);
    const found = cells.map(({ tier, need }) => able ? figures(and(and(others, TIER, tier), NEEDS, need)) : null);
    const most = Math.max(1, ...found.filter(Boolean).map((one) => one.customers));
    cells.forEach(({ cell, tier, need }, i) => {
      const one = found[i], out = (dimension, at) => state.filter.has(dimension) && state.filter.get(dimension) !== at;
      cell.hidden = out(TIER, tier);
      cell.parentElement.hidden = out(NEEDS, need);
      cell.classList.toggle("hidden", !one);
      if (!one) {
        cell.style.removeProperty("--shade");
        cell.textContent = WITHHELD;
        return;
      }
      cell.style.setProperty("--shade", (one.customers / most).toFixed(2));
      let button = cell.querySelector("button");
      if (!button) {
        button = element("button", { type: "button", "aria-controls": "cell" });
        button.addEventListener("click", () => open(tier, need));
        cell.replaceChildren(button);
      }
      const opened = state.cell && state.cell[0] === tier && state.cell[1] === need;
      button.setAttribute("aria-expanded", String(Boolean(opened)));
      button.replaceChildren(
        element("span", { class: "count" }, count(one.customers), element("span", { class: "off" }, " customers, ")),
        element("span", { class: "line" }, money(one.sales), element("span", { class: "off" }, " " + VALUE + (LATER ? ", trend " : ""))),
        ...(LATER ? [element("span", { class: "line trend" }, change(one.trend))] : []));
    });
    for (const head of all(".matrix thead th[data-tier]"))
      head.hidden = state.filter.has(TIER) && state.filter.get(TIER) !== Number(head.dataset.tier);
  };
  const cellButton = (tier, need) =>
    cells.find((one) => one.tier === tier && one.need === need)?.cell.querySelector("button");
  const open = (tier, need) => {
    const same = state.cell && state.cell[0] === tier && state.cell[1] === need;
    state.cell = same ? null : [tier, need];
    draw();
    if (!same && !byId("cell").hidden) byId("cell").focus();
  };
  const close = () => {
    const [tier, need] = state.cell;
    state.cell = null;
    draw();
    (cellButton(tier, need) || byId("matrix")).focus();
  };
  const drawCell = () => {
    const panel = byId("cell");
    if (!panel) return;
    const [tier, need] = state.cell || [];
    const others = without(state.filter, NEEDS, TIER);
    const conditions = state.cell && and(and(others, TIER, tier), NEEDS, need);
    const found = conditions && conditions.size <= data.most ? figures(conditions) : null;
    panel.hidden = !found;
    if (!found) return panel.replaceChildren();
    const title = level(NEEDS, need) + ", " + level(TIER, tier) + " value" + (others.size ? ", " + said(others) : "");
    const shut = element("button", { type: "button" }, "Close");
    shut.addEventListener("click", close);
    const key = element("dl", { class: "key" });
    drawKey(key, found);
    const parts = dimensions.map((one, i) => i).filter((i) => fits(conditions, i)).map((i) => {
      const shown = splits(conditions, i).filter((row) => row.customers);
      const items = shown.map((row) =>
        element("li", {}, element("span", {}, row.name),
          element("span", { class: "of" }, count(row.customers) + " (" + percent(row.customers / found.customers) + ")"),
          element("span", { class: "bar", "aria-hidden": "true", style: "width:" + (100 * row.customers / found.customers).toFixed(1) + "%" })));
      if (shown.length < dimensions[i].levels.length)
        items.push(element("li", { class: "withheld" }, (shown.length ? "other levels: " : "") + WITHHELD));
      return element("div", {}, element("h4", {}, dimensions[i].label), element("ul", { class: "levels" }, ...items));
    });
    panel.replaceChildren(
      element("div", { class: "head" }, element("h3", { id: "cell-title" }, title), shut), key,
      parts.length ? element("div", { class: "parts" }, ...parts)
        : element("p", { class: "aside" }, "Set the other condition to \u201cany\u201d to see who is in this cell."));
  };

  // ---- comparison
  const one = byId("one"), other = byId("other"), feature = byId("feature");
  const compared = () => {
    const [a, b] = [classified[state.one], classified[state.other]].map((segment) => String(segment.id));
    const rows = data.features.filter((row) => row.segments[a] && row.segments[b]).map((row) => {
      const [x, y] = [row.segments[a], row.segments[b]];
      const width = x[2] - x[1] + y[2] - y[1];
      const clear = x[1] > y[2] ? 1 : y[1] > x[2] ? -1 : 0;
      return { ...row, x, y, clear, gap: width > 0 ? Math.abs(x[0] - y[0]) / width : 0 };
    });
    rows.sort((p, q) => q.gap - p.gap);
    if (state.feature === "few") return rows.slice(0, FEW);
    return state.feature === "all" ? rows : rows.filter((row) => row.feature === state.feature);
  };
  const plot = (row) => {
    const values = [...row.x.slice(0, 3), ...row.y.slice(0, 3), row.overall];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const at = (value) => (high > low ? (100 * (value - low)) / (high - low) : 50);
    const parts = [element("span", { class: "all", style: "left:" + at(row.overall) + "%" })];
    [[row.x, state.one, 22], [row.y, state.other, 68]].forEach(([v, i, top]) => {
      parts.push(
        element("span", { style: "left:" + at(v[1]) + "%;width:" + Math.max(1, at(v[2]) - at(v[1])) + "%;top:" + top + "%;background:" + classified[i].colour }),
        element("span", { class: "mean", style: "left:" + at(v[0]) + "%;top:" + top + "%" }));
    });
    return element("span", { class: "plot", "aria-hidden": "true" }, ...parts);
  };
  const verdict = (row) =>
    row.clear ? classified[row.clear > 0 ? state.one : state.other].name + " is higher" : "not clearly apart";
  let drawn = ""; // the comparison does not depend on the filters: leave it as it is
  const drawCompare = () => {
    const asked = [state.one, state.other, state.feature].join();
    if (!one || drawn === asked) return;
    drawn = asked;
    one.value = state.one;
    other.value = state.other;
    feature.value = state.feature;
    if (feature.selectedIndex < 0) feature.value = state.feature = "few";
    const rows = compared(), names = [classified[state.one].name, classified[state.other].name];
    const clear = rows.filter((row) => row.clear).length;
    const words = names.join(" and ") + ": " + clear + " of " + rows.length + " features shown have 95% intervals that do not overlap. They were not corrected for the number of comparisons.";
    if (byId("compared").textContent !== words) byId("compared").textContent = words;
    const value = (v, row, label) => {
      const cell = cellOf("", "n", label);
      cell.append(quantity(v[0], row.unit), element("span", { class: "line" }, quantity(v[1], row.unit) + " to " + quantity(v[2], row.unit)));
      return cell;
    };
    const body = rows.map((row) => {
      const head = element("th", { scope: "row", class: "t", role: "rowheader" }, row.label);
      if (row.unit && !["share", "currency"].includes(row.unit)) head.append(element("span", { class: "line" }, row.unit));
      return element("tr", { role: "row" }, head, value(row.x, row, names[0]), value(row.y, row, names[1]),
        cellOf(quantity(row.overall, row.unit), "n", "All classified"), cellOf(plot(row), "t", "Intervals"),
        cellOf(verdict(row), "t", "Apart?"));
    });
    const caption = names.join(" and ") + ": mean of each feature, with its 95% interval";
    byId("comparison").replaceChildren(element("div", { class: "study-table stack compare", role: "region", tabindex: "0", "aria-label": caption },
      element("table", { role: "table" }, element("caption", {}, element("span", {}, caption)),
        element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, heading("Feature", "t"), heading(names[0], "n"), heading(names[1], "n"),
          heading("All classified", "n"), heading("Intervals; the thin line is all", "t"), heading("Apart?", "t"))),
        element("tbody", { role: "rowgroup" }, ...body))));
  };

  // ---- what is shown, as CSV; helpers.personas.exports says what a spreadsheet would run
  const FORMULA = /^(?:[\s\0-\x1f\u200b-\u200f\u2060\ufeff]*[=+@＝＋－＠﹦﹢﹣﹫-]|[\t\r\n]+)|(?<=[;\t\r\n])[=+@＝＋－＠﹦﹢﹣﹫-]/g;
  const safe = (value) => {
    let text = value === null || value === undefined ? "" : String(value);
    if (typeof value === "string") text = text.replace(FORMULA, "'$&");
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const download = (name, rows) => {
    const text = rows.map((row) => row.map(safe).join(",")).join("\r\n") + "\r\n";
    const link = element("a", { href: URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" })), download: name + ".csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const key = VALUE.toLowerCase().replaceAll(" ", "_");
  const HEADS = ["customers", "share_of_customers", ...(VALUE ? [key, "share_of_" + key, ...(EACH ? [key + "_per_customer"] : [])] : []), ...(LATER ? ["holdout_sales", "trend"] : [])];
  const numbers = (found) => found && found.customers
    ? [found.customers, found.shareCustomers, ...(VALUE ? [found.sales, found.shareSales, ...(EACH ? [found.perCustomer] : [])] : []), ...(LATER ? [found.later, found.trend] : [])]
    : HEADS.map((_, i) => (i ? "" : WITHHELD));
  const filterHeads = (conditions) => inOrder(conditions).map((i) => dimensions[i].label);
  const filterCells = (conditions) => inOrder(conditions).map((i) => level(i, conditions.get(i)));
  const saves = {
    "save-split": () => ["split", [
      [...filterHeads(state.filter), dimensions[state.split].label, ...HEADS],
      ...splits(state.filter, state.split).map((row) => [...filterCells(state.filter), row.name, ...numbers(row)])]],
    "save-segments": () => {
      const others = without(state.filter, NEEDS);
      return ["segments", [
        [...filterHeads(others), dimensions[NEEDS].label, ...HEADS],
        ...all(".segments tbody tr[data-name]").filter((row) => !row.hidden)
          .map((row) => [...filterCells(others), row.dataset.name, ...numbers(segmentFigures(row.dataset.name))])]];
    },
    "save-matrix": () => {
      const others = without(state.filter, NEEDS, TIER);
      return ["matrix", [
        [...filterHeads(others), dimensions[NEEDS].label, dimensions[TIER].label, ...HEADS],
        ...cells.filter(({ cell }) => !cell.hidden && !cell.parentElement.hidden).map(({ tier, need }) =>
          [...filterCells(others), level(NEEDS, need), level(TIER, tier), ...numbers(figures(and(and(others, TIER, tier), NEEDS, need)))])]];
    },
    "save-compare": () => {
      const names = [classified[state.one].name, classified[state.other].name];
      return ["comparison", [
        ["feature", "unit", ...names.flatMap((name) => [name, name + ", low", name + ", high"]), "all classified", "apart"],
        ...compared().map((row) => [row.label, row.unit, ...row.x.slice(0, 3), ...row.y.slice(0, 3), row.overall, verdict(row)])]];
    },
  };

  const draw = () => {
    drawFilters();
    drawChosen();
    drawSplit();
    drawSegments();
    drawMatrix();
    drawCell();
    drawCompare();
    write();
  };

  // ---- begin
  for (const part of all(".script")) part.hidden = false;
  for (const [id, rows] of Object.entries(saves)) {
    const button = byId(id);
    if (!button) continue;
    button.hidden = false;
    button.addEventListener("click", () => download(...rows()));
  }
  for (const head of all(".segments thead th[data-sort]")) {
    const button = element("button", { type: "button", class: "sort" }, ...head.childNodes);
    button.addEventListener("click", () => {
      const key = head.dataset.sort, text = key === "name" || key === "action";
      const first = text ? key : "-" + key; // numbers: the largest first
      state.sort = state.sort === first ? (text ? "-" + key : key) : first;
      draw();
    });
    head.append(button);
  }
  for (const select of selects)
    select.addEventListener("change", () => {
      const i = Number(select.dataset.dimension);
      state.filter = select.value === "" ? without(state.filter, i) : and(state.filter, i, Number(select.value));
      draw();
    });
  splitBy.addEventListener("change", () => { state.split = Number(splitBy.value); draw(); });
  byId("reset").addEventListener("click", () => {
    state.filter = new Map();
    draw();
    selects[0].focus();
  });
  if (one) {
    for (const select of [one, other])
      select.replaceChildren(...classified.map((segment, i) => element("option", { value: i }, segment.name)));
    const families = new Map();
    for (const row of data.features) families.set(row.family, [...(families.get(row.family) || []), row]);
    feature.replaceChildren(
      element("option", { value: "few" }, "the " + Math.min(FEW, data.features.length) + " features furthest apart"),
      element("option", { value: "all" }, "all features"),
      ...[...families].map(([family, rows]) => element("optgroup", { label: family || "features" },
        ...rows.map((row) => element("option", { value: row.feature }, row.label)))));
    one.addEventListener("change", () => { state.one = Number(one.value); draw(); });
    other.addEventListener("change", () => { state.other = Number(other.value); draw(); });
    feature.addEventListener("change", () => { state.feature = feature.value; draw(); });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.cell && !document.querySelector(":popover-open")) close();
  });
  addEventListener("hashchange", () => {
    // a link inside the page keeps the view; another address replaces it
    if (location.hash.includes("=")) state = read();
    draw();
  });
  state = read();
  draw();
  const anchor = location.hash.slice(1).split("&")[0];
  if (location.hash.includes("&") && anchor && !anchor.includes("=")) byId(anchor)?.scrollIntoView();
})();
