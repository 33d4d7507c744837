import { expect, test } from "vitest";
import { compileLine, type LineRule } from "../../../src/devices/lines/line-format.ts";
import { workOf } from "../../support/work.ts";

const CLIMATE: LineRule = {
  format: { kind: "pairs", separator: ";", equals: "=" },
  checksum: "none",
  decimal: ".",
  readings: [
    { field: "T", property: "temperature", unit: "Cel" },
    { field: "H", property: "relative_humidity", unit: "%" },
  ],
};
const COLON: LineRule = { ...CLIMATE, format: { kind: "pairs", separator: ",", equals: ":" } };
const GERMAN: LineRule = { ...CLIMATE, decimal: "," };
const CSV: LineRule = {
  ...CLIMATE,
  format: { kind: "csv", separator: "," },
  readings: [
    { field: 2, property: "temperature", unit: "Cel", scale: 0.1 },
    { field: 4, property: "pressure", unit: "hPa" },
  ],
};
const SCALE: LineRule = {
  ...CLIMATE,
  format: { kind: "pattern", pattern: "^S[TU],(?<kind>GS|NT),(?<mass>[+-] *[\\d.]+) *kg$" },
  readings: [{ field: "mass", property: "mass", unit: "kg" }],
};
// Wind and weather of a station, NMEA 0183: MWV and MDA.
const WIND: LineRule = {
  ...CLIMATE,
  format: { kind: "csv", separator: "," },
  checksum: "nmea",
  begins: "WIMWV,",
  readings: [
    { field: 2, property: "wind_angle", unit: "deg" },
    { field: 4, property: "wind_speed", unit: "km/h" },
  ],
};

test.each([
  ["pairs", CLIMATE, "T=21.5;H=40", "temperature 21.5, relative_humidity 40"],
  ["pairs with spaces and a part only", CLIMATE, " T = -3.25 ", "temperature -3.25"],
  [
    "pairs with the unit behind",
    CLIMATE,
    "T=21.5C;H=40.0 %",
    "temperature 21.5, relative_humidity 40",
  ],
  ["other marks", COLON, "T:21.5,H:40", "temperature 21.5, relative_humidity 40"],
  ["a decimal comma", GERMAN, "T=21,5;H=40", "temperature 21.5, relative_humidity 40"],
  ["a decimal comma beside a point", GERMAN, "T=1.021,5", 'T is "1.021,5", not a number'],
  ["a decimal comma that nobody announced", CLIMATE, "T=21,5", 'T is "21,5", not a number'],
  ["a sensor that is broken", CLIMATE, "T=nan;H=40", 'T is "nan", not a number'],
  ["a field that is empty", CLIMATE, "T=;H=40", "relative_humidity 40"],
  ["a boot banner", CLIMATE, "DHT22 logger v1.2 ready", "nothing"],
  ["an empty line", CLIMATE, "", "nothing"],
  ["a list", CSV, "7,215,x,1013.2", "temperature 21.5, pressure 1013.2"],
  ["a list that ends early", CSV, "7,215", "temperature 21.5"],
  ["a list's header", CSV, "id,temp,hum,press", '2 is "temp", not a number'],
  ["a pattern", SCALE, "ST,GS,+1.250 kg", "mass 1.25"],
  ["a pattern that does not fit", SCALE, "OL", "nothing"],
  ["an NMEA sentence", WIND, "$WIMWV,214.8,R,0.1,K,A*28", "wind_angle 214.8, wind_speed 0.1"],
  [
    "an NMEA sentence, in small letters",
    WIND,
    "$WIMWV,0.8,R,0.1,K,A*2f",
    "wind_angle 0.8, wind_speed 0.1",
  ],
  [
    "an NMEA sentence with a flipped digit",
    WIND,
    "$WIMWV,214.9,R,0.1,K,A*28",
    "the checksum is wrong",
  ],
  [
    "an NMEA sentence without its checksum",
    WIND,
    "$WIMWV,214.8,R,0.1,K,A",
    "no checksum at the end",
  ],
  [
    "another NMEA sentence",
    WIND,
    "$GPRMC,081836,A,3751.65,S,14507.36,E,000.0,360.0,130998,011.3,E*62",
    "nothing",
  ],
  ["a banner before NMEA", WIND, "Weather station ready", "nothing"],
])("%s", (_name, rule, line, told) => {
  const read = compileLine(rule)(line);
  const words =
    read.kind === "readings"
      ? read.readings.map(({ property, value }) => `${property} ${value}`).join(", ")
      : read.kind === "wrong"
        ? read.why
        : "nothing";
  expect(words).toBe(told);
});

test("a long field that is nearly a number is told in no time", () => {
  const { workMs } = workOf(() =>
    expect(compileLine(CLIMATE)(`T=${"1".repeat(65_536)}!`).kind).toBe("wrong"),
  );
  expect(workMs).toBeLessThan(2_000);
});
