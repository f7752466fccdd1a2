// SPDX-License-Identifier: Apache-2.0
/* Why a component means nothing in a version: the sentence is the error's text; this is for who has more to
 * say of it (query/say/hint.h). */
#pragma once

#include <stddef.h>

#include "index/catalog/catalog.h"

enum refusal_kind {
    REFUSAL_OTHER,     /* the sentence says it all */
    REFUSAL_ATTRIBUTE, /* "no attribute 'amr' in v1" */
    REFUSAL_VALUE,     /* "arm has no value 'lfet'" */
    REFUSAL_TYPE,      /* "length: 'abc' is not an integer" */
    REFUSAL_KEY,       /* "no clip 'ep00001' in v1" */
    REFUSAL_STAGE,     /* "stage @near is not supported yet" */
};
struct refusal {
    enum refusal_kind kind;
    size_t literal;                     /* which of the component's literals */
    size_t arg;                         /* which of its arguments, or of the stage's */
    struct catalog_attribute attribute; /* VALUE, TYPE: the one whose value it should be */
};
