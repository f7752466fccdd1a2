// SPDX-License-Identifier: Apache-2.0
/* page.html as bytes: what stands before the clips, and what stands behind them. Any thread. */
#pragma once

#include <stddef.h>

extern const unsigned char page_html_head[], page_html_tail[];
extern const size_t page_html_head_len, page_html_tail_len;
