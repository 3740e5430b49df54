/** Attributes that Python's values have: a member of a dict with such a name is reached with `["name"]` only. */
const DICT = 'clear copy fromkeys get items keys pop popitem setdefault update values';
const LIST = 'append clear copy count extend index insert pop remove reverse sort';
const TEXT = `capitalize casefold center count encode endswith expandtabs find format format_map index isalnum isalpha
  isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip
  maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines
  startswith strip swapcase title translate upper zfill`;
const INT =
  'as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes';
const FLOAT = 'as_integer_ratio conjugate from_number fromhex hex imag is_integer real';

export const PYTHON_ATTRIBUTES: Readonly<Record<string, ReadonlySet<string>>> = {
  dict: words(DICT),
  list: words(LIST),
  tuple: words('count index'),
  str: words(TEXT),
  int: words(INT),
  bool: words(INT),
  float: words(FLOAT),
  None: new Set(),
};

/** Jinja's sandbox hides what would change a value: it is undefined. */
export const HIDDEN_ATTRIBUTES: ReadonlySet<string> = words(
  'append clear extend insert pop popitem remove reverse setdefault sort update',
);

/** What Home Assistant and Jinja give to every template beside the variables, and this evaluator does not. */
export const FOREIGN_NAMES: ReadonlySet<string> = words(`
  acos apply area_devices area_entities area_id area_name areas as_datetime as_function as_local as_timedelta
  as_timestamp asin atan atan2 average base64_decode base64_encode bitwise_and bitwise_or bitwise_xor caller
  clamp closest combine config_entry_attr config_entry_id contains context cos cycler device_attr
  device_entities device_id device_name dict difference distance e entity_id entity_name expand flatten
  floor_areas floor_entities floor_id floor_name floors from_hex has_value integration_entities intersect
  is_device_attr is_hidden_entity is_state is_state_attr issue issues joiner label_areas label_description
  label_devices label_entities label_id label_name labels lipsum log loop md5 median merge_response name
  namespace now pack pi range relative_time remap self set sha1 sha256 sha512 shuffle sin slugify sqrt
  state_attr state_attr_translated state_translated states statistical_mode strptime super symmetric_difference
  tan tau this time_since time_until timedelta today_at trigger tuple typeof union unpack urlencode utcnow
  varargs kwargs version wrap zip
`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
