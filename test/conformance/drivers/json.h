/*
 * JSON of the conformance driver in C: parses a command into a value of mirrorflow.h, and prints
 * texts. Included by c.c only; it reads what the tests send, and no input from elsewhere.
 */
#ifndef CONFORMANCE_JSON_H
#define CONFORMANCE_JSON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mirrorflow.h"

/* Ends the driver: the test reports its standard error. */
static void json_die(const char *what) {
  fprintf(stderr, "the command is no JSON that this driver reads: %s\n", what);
  exit(2);
}

static void json_space(const char **at) { *at += strspn(*at, " \t\r\n"); }

/* A text without \u escapes beyond ASCII: JSON.stringify sends others as UTF-8. To be freed. */
static char *json_string(const char **at) {
  const char *from = *at + 1;
  char *text = malloc(strlen(from) + 1), *to = text;
  if (text == NULL) json_die("no memory");
  while (*from != '"') {
    if (*from == 0) json_die("a text does not end");
    if (*from != '\\') {
      *to++ = *from++;
      continue;
    }
    from++;
    const char *escapes = "nrtbf", *meant = "\n\r\t\b\f", *found = strchr(escapes, *from);
    if (*from == 'u') {
      char digits[5] = {0};
      memcpy(digits, from + 1, 4);
      *to++ = (char)strtoul(digits, NULL, 16);
      from += 5;
    } else {
      *to++ = found != NULL && *found != 0 ? meant[found - escapes] : *from;
      from++;
    }
  }
  *to = 0;
  *at = from + 1;
  return text;
}

static mf_value *json_value(const char **at);

static mf_value *json_items(const char **at, int is_struct) {
  mf_value *list = is_struct ? mf_struct() : mf_array();
  const char close = is_struct ? '}' : ']';
  (*at)++;
  for (json_space(at); **at != close; json_space(at)) {
    char *name = NULL;
    if (**at == ',') (*at)++;
    json_space(at);
    if (is_struct) {
      if (**at != '"') json_die("a member has no name");
      name = json_string(at);
      json_space(at);
      if (*(*at)++ != ':') json_die("a member has no value");
    }
    mf_value *item = json_value(at);
    if ((is_struct ? mf_set(list, name, item) : mf_append(list, item)) != MF_OK) json_die("no memory");
    free(name);
  }
  (*at)++;
  return list;
}

/* null becomes false: no command has one that matters. */
static mf_value *json_value(const char **at) {
  json_space(at);
  if (**at == '{' || **at == '[') return json_items(at, **at == '{');
  if (**at == '"') {
    char *text = json_string(at);
    mf_value *value = mf_text(text);
    free(text);
    return value;
  }
  const char *words[] = {"true", "false", "null"};
  for (int word = 0; word < 3; word++) {
    if (strncmp(*at, words[word], strlen(words[word])) != 0) continue;
    *at += strlen(words[word]);
    return mf_boolean(word == 0);
  }
  char *end;
  double number = strtod(*at, &end);
  if (end == *at) json_die(*at);
  *at = end;
  return number == (double)(long long)number ? mf_integer((long long)number) : mf_double(number);
}

static void json_print(const char *text) {
  putchar('"');
  for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
    if (*at < ' ' || *at == '"' || *at == '\\') printf("\\u%04x", *at);
    else putchar(*at);
  }
  putchar('"');
}

#endif
