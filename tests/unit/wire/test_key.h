/* Private keys that belong to nobody, made for these tests, and what the first one signs in test_jwt.c. */
#ifndef UNIT_WIRE_TEST_KEY_H
#define UNIT_WIRE_TEST_KEY_H

#define TEST_KEY                                                             \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDUvojxy6W0DG1+\n" \
	"8569pHHZRLbUJakU8A0fGxREr1sXkk4dF4l3a5mbhHSGd4b2yJt0mW6px1lqaZP5\n" \
	"D9rjOp7WLP8un3Txu+4UBeSFpGioFQSEUL2NPCnyEEOsl4mbBGXLNLLkdhN9+1EK\n" \
	"oq9xTrVQTR7iZmRw3WYVL11P9ireAskVNEs2LCYeQcrb1JWFS1gPk+/iuPKEEfRT\n" \
	"kqkisqlp252Ky4B2qXz6Fb3kZOow2APY046nsNpSA1+PmNEyOBSbBX4xhkjWBO2q\n" \
	"HP4vsElME4WjNViBiwZLkfinBA5/CHWb2rRS77hDTqpL3hJZ1i+DNxnmK84Aun3/\n" \
	"m4733BTLAgMBAAECggEAD79GvbcYPdqJpFL+FgV9E9r9OXjMKiuWnQ3RE0BzmqwO\n" \
	"siKS308MoLFOOsHQMKYqs5fD1DdYTAMim9XrmtQ0+597CAVvj5Ecj0jcYHQJ9x8P\n" \
	"JYggb7rbU/qWN8lDu0C5FDCDaVvAF5wppILkP5vW2enLdnCj0KLisoC+BHQxOhuS\n" \
	"FYwyKXBDJS7jV9+b9Jj0vDsr6hC9hi34lRSYmkOINeShNiN6yykrWBchIWKnOwis\n" \
	"vxVYbG2DAnDigJm+5sWED+9v9cVk3O4WtMCo8ixFT2lpUOfIQLY0j35xMgxdD5tS\n" \
	"sR6//CIinNFOnxAtpkiJ2oGMQllrcyIhYSZzpE8bUQKBgQD1MnmfN6JZb9l15pj1\n" \
	"fSAK8X7rNrRLoubsqUAQSqA/VElyNgpnEphZxwW8CdGBnfDhPQ8mGNSSV7p3GRPQ\n" \
	"WF4S8LM6uVyChQLplfaqZQVqJ63HrhQTxXADOVJ+sqiRlIRFZmlr297ScDd2wgDN\n" \
	"oWiKLNjYMybGc46FuXHlsf7+OQKBgQDeHgfkvoCxHEdEt3BNHX50DcfAXyWNBnPD\n" \
	"X/TjvFv0U3tQLbgGn3Ang1uDYij8gxN5zTXXww5W3K9XvB0RSesql9MWSPc84SHo\n" \
	"6MBVb7qSiHgRiFxCi4fQlXDIS8WpJB+xh/Sg6w3MLfgl2dNPQCZKP92pgitM3ZEO\n" \
	"G20Ck6nrIwKBgBd7EfKRXVa7Q1PrFVLM/LiPj9vujS2BGCQpwRzOSLJH3BC35B8i\n" \
	"xLw0NvRe7FVBTsQDGORJFHI/PHgTSrZ0/+1IZ6GEBrvpCPJdjhWbPv1/d0DcBsgt\n" \
	"7CAi6SeA7GukkVYkDIxrrdbxMB6LTZBjmKNC0DFEFL6Eam2b6LBab1ThAoGATB/k\n" \
	"uqvjtU+oyU9JSNSr6yBx7mdtmji04if36Tk8Fq+p2p/gqzxnltM5QP0aaPiPazY+\n" \
	"ltT+DB0UZzBMkglQdMeWC9Q0EARkt8tVZ7KkMeZdqDygyhnCEWW2Qp9dfguoZRLg\n" \
	"b2o/z1ON8YMHHekxdk8PLDI1nuFs/nW91Z1AJhsCgYBis8TUHnheIxFjwsLLcsCu\n" \
	"o/gww8dXfDFymaf3aV8KWEs6tsnNe91sb3U9G+R24PjI8cobubtcYPAxDtR+qe7q\n" \
	"5l6V/WmSucKNN3na8c53Jt2dNOveUVTb9drjGEIzrLCdD7CE8gf/MDBNF2Ru5ppp\n" \
	"FCh4DxQfbDWj+rDQk5TIFQ==\n"                                         \
	"-----END PRIVATE KEY-----\n"

#define TEST_EC_KEY                                                          \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXFSWkAlA3tlaZSXU\n" \
	"M2FbAh9tUALZvflq6RrJ/Fx4WDmhRANCAARu5Fm+W89e0vM9iy/MhPZppZCc50QD\n" \
	"PmQwsEZLhlMSLrcrjIMQ9nIGX46VqhPCZcJHL5Mv+hoHUZpu43wrXudI\n"         \
	"-----END PRIVATE KEY-----\n"

#define TEST_SIGNATURE                                                                           \
	"pUhKmYeNDWuaqRgI0Q1FBDleUF4tz7t6TKO_knBSULkgSTsGgL-"                                    \
	"NRHkjrsEQ4nwtc-r5LovpxRgEk9KWK0LOj6o9tjVr5jW3-t7IbE8_25IEC-vvEtSL8ztwKMP_hZ0lkyuBy15Bg" \
	"mpCOXfbmmRRj8ZBthYbUJ2oZmdVssoqu8HsNb7S2AtEwH4nJmHWSleCdqj8mvaHYmjth-"                  \
	"9ZezjH5uwl_fYqr5F3rW31P1nYSnLHw2izjBa2scf8i_3Vdqnp9C11GhOs2dGPtWYKtF6Mgcggmh5HQp_akjm4" \
	"hqZXXFEfJYpkSdc8Zz1fo15D-qycBsWe3LEowKi9pKPZ2rmc2A"

#endif
