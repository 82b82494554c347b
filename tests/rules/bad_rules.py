"""Rule files that are wrong: name, text, line, what is said, what is allowed."""

HEAD = """\
- id: low
  kinds: [solar_light]
  title: {vi: "Ắc quy", en: Battery}
  detail: {vi: "{device}: {battery_v} V", en: "{device}: {battery_v} V"}
"""
REST = """\
  severity: degraded
  when: {battery_v: {below: 11.5}}
"""
WHEN = HEAD + "  severity: faulty\n  when: "
ENGLISH = (HEAD + REST).replace("%", "%%").replace("en: Battery", "en: %s")

BAD: list[tuple[str, str, int, str, str]] = [
    (
        "unknown key",
        HEAD + REST + "  raise_afer: 3m\n",
        7,
        "unknown key `raise_afer`, did you mean `raise_after`?",
        "raise_after",
    ),
    (
        "unknown key in a step",
        HEAD + "  steps:\n  - severity: faulty\n    when: {dark: {is: true}}\n    afer: 3m\n",
        8,
        "`afer`, did you mean `after`?",
        "severity, when, after",
    ),
    ("missing key", HEAD.replace("  kinds: [solar_light]\n", "") + REST, 1, "`kinds` is missing", ""),
    ("missing language", HEAD.replace(", en: Battery", "") + REST, 3, "`en` is missing", ""),
    (
        "third language",
        HEAD.replace("en: Battery", "en: Battery, fr: Accu") + REST,
        3,
        "unknown key `fr`",
        "vi, en",
    ),
    ("empty text", ENGLISH % '" "', 3, "title.en", ""),
    (
        "unknown kind",
        HEAD.replace("solar_light", "solar_lamp") + REST,
        2,
        "`solar_lamp` is not known here, did you mean `solar_light`?",
        "camera, solar_light",
    ),
    ("no kinds", HEAD.replace("[solar_light]", "[]") + REST, 2, "kinds", "all, or a list"),
    ("bad id", HEAD.replace("low", "Low Battery") + REST, 1, "id", "lower-case words"),
    ("bad site", HEAD + REST + "  sites: [Đan Phượng]\n", 7, "sites.0", "slugs"),
    (
        "unknown severity",
        HEAD + REST.replace("degraded", "degrade"),
        5,
        "`degrade` is not known here, did you mean `degraded`?",
        "unstable, degraded, faulty, offline",
    ),
    ("bad duration", HEAD + REST + "  raise_after: 5 min\n", 7, "`5 min` is no duration", "30s"),
    ("duration without unit", HEAD + REST + "  clear_after: 30\n", 7, "`30` is no duration", "30s"),
    ("endless duration", HEAD + REST + "  clear_after: 31d\n", 7, "`31d` is no duration", "at most 30d"),
    ("true as duration", HEAD + REST + "  clear_after: false\n", 7, "no duration", "30s"),
    (
        "unknown field",
        WHEN + "\n    all:\n    - dark: {is: true}\n    - batery_v: {below: 11}\n",
        9,
        "solar_light has no field `batery_v`, did you mean `battery_v`?",
        "battery_v, soc_pct",
    ),
    ("field of another kind", WHEN + "{clients: {below: 1}}\n", 6, "no field `clients`", "battery_v"),
    (
        "operator of another type",
        WHEN + "{dark: {below: 1}}\n",
        6,
        "a flag field has no operator `below`",
        "known, is",
    ),
    (
        "misspelt operator",
        WHEN + "{soc_pct: {belov: 1}}\n",
        6,
        "no operator `belov`, did you mean `below`?",
        "below, above",
    ),
    ("flag with a number", WHEN + "{dark: {is: 1}}\n", 6, "`is` wants a flag", "true, false"),
    ("number with a word", WHEN + "{soc_pct: {below: low}}\n", 6, "`below` wants a number", "0 to 100 %"),
    ("number with a flag", WHEN + "{soc_pct: {below: true}}\n", 6, "`below` wants a number", "0 to 100 %"),
    ("not a number", WHEN + "{soc_pct: {below: .nan}}\n", 6, "`below` wants a number", "0 to 100 %"),
    (
        "outside the range",
        WHEN + "{soc_pct: {below: 120}}\n",
        6,
        "120 is outside what `soc_pct` can be",
        "0 to 100 %",
    ),
    ("never true", WHEN + "{soc_pct: {below: 0}}\n", 6, "`soc_pct` is never below 0", "0 to 100 %"),
    (
        "codes with one word",
        WHEN + "{faults: {has_any: lampFailure}}\n",
        6,
        "`has_any` wants codes",
        "a list of codes",
    ),
    ("code with a list", WHEN + "{faults: {has: [lampFailure]}}\n", 6, "`has` wants codes", "one code"),
    ("empty with a word", WHEN + "{faults: {empty: 1}}\n", 6, "`empty` wants a flag", "true, false"),
    ("field without operator", WHEN + "{dark: true}\n", 6, "`dark` wants an operator", "known, is"),
    (
        "two keys in a condition",
        WHEN + "{dark: {is: true}, soc_pct: {below: 3}}\n",
        6,
        "one key",
        "all, any, none",
    ),
    ("group without a list", WHEN + "\n    any: {dark: {is: true}}\n", 7, "`any` wants a list", "field"),
    ("empty group", WHEN + "{all: []}\n", 6, "`all` wants a list", "field"),
    (
        "bad clear_when",
        HEAD + REST + "  clear_when:\n    dark: {is: 3}\n",
        8,
        "`is` wants a flag",
        "true, false",
    ),
    ("no condition at all", HEAD, 1, "nothing says when to raise it", "steps"),
    (
        "when without severity",
        HEAD + REST.replace("  severity: degraded\n", ""),
        1,
        "nothing says when",
        "severity",
    ),
    (
        "when beside steps",
        HEAD + "  when: {dark: {is: true}}\n  steps: [{severity: faulty, when: {dark: {is: true}}}]\n",
        5,
        "`when` and `steps`",
        "in each step",
    ),
    (
        "steps not worse",
        HEAD
        + "  steps:\n  - {severity: faulty, when: {dark: {is: true}}}\n"
        + "  - {severity: degraded, when: {dark: {is: true}}}\n",
        7,
        "`degraded` is no worse than the step before",
        "from mild to bad",
    ),
    (
        "unknown placeholder",
        ENGLISH % '"{devise}"',
        3,
        "unknown placeholder {devise}, did you mean `device`?",
        "{device}, {site}, {battery_v}",
    ),
    ("flag as placeholder", ENGLISH % '"{dark}"', 3, "unknown placeholder {dark}", "{device}"),
    ("attribute in a placeholder", ENGLISH % '"{device.name}"', 3, "may hold a name only", "{device}"),
    ("format in a placeholder", ENGLISH % '"{battery_v:.1f}"', 3, "may hold a name only", "{device}"),
    ("open brace", ENGLISH % '"{device"', 3, "the braces are not right", "{device}"),
    ("duplicate id", HEAD + REST + HEAD + REST, 7, "this id is taken by my.yaml:1", "an id of its own"),
    (
        "duplicate key",
        HEAD + REST + "  severity: faulty\n",
        7,
        "`severity` stands here twice",
        "each key once",
    ),
    ("no rule", "- low\n", 1, "this is no rule", "id"),
    ("no list", "low: {kinds: all}\n", 1, "no list of rules", "- id"),
    ("not YAML", HEAD + "  when: [}\n", 5, "this is not YAML", ""),
    ("alias", "- &a {id: low}\n- *a\n", 2, "aliases (*name) are not read", "the value itself"),
    ("too deep", "\n" + "[" * 3000, 2, "nested too deep", "20 levels"),
    ("other tags", '- !!python/object/apply:os.system ["true"]\n', 1, "this is no rule", ""),
    ("other tags on a scalar", "- id: !!python/name:os.system x\n", 1, "this is not YAML", ""),
    ("second document", HEAD + REST + "---\n- id: x\n", 7, "this is not YAML", ""),
    ("endless number", HEAD + REST + "  clear_after: " + "9" * 5000 + "\n", 7, "", ""),
    ("a list as key", "- [a]: 1\n", 1, "a key must be one word", ""),
]
