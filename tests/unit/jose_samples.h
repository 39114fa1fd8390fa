/* SPDX-License-Identifier: MIT */
/*
 * Tokens and keys as the standards print them: RFC 7515 appendix A.1 to A.3,
 * RFC 8037 appendix A.4. The claims of the first three expire at JOSE_EXP.
 */
#ifndef JOSE_SAMPLES_H
#define JOSE_SAMPLES_H

#define JOSE_EXP 1300819380

#define JOSE_CLAIMS                                                            \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"     \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

#define JOSE_HS256                                                             \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOSE_CLAIMS                \
	".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

#define JOSE_HS256_K                                                           \
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i"     \
	"PS4hcgUuTwjAzZr1Z9CAow"

#define JOSE_RS256                                                             \
	"eyJhbGciOiJSUzI1NiJ9." JOSE_CLAIMS                                    \
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"    \
	"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"     \
	"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"     \
	"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"     \
	"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"     \
	"p0igcN_IoypGlUPQGe77Rw"

#define JOSE_RS256_N                                                           \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp"     \
	"-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW"     \
	"vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"     \
	"LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k"     \
	"G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"     \
	"PAcDTW9gb54h4FRWyuXpoQ"

#define JOSE_ES256                                                             \
	"eyJhbGciOiJFUzI1NiJ9." JOSE_CLAIMS                                    \
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"    \
	"pmWQxfKTUJqPP3-Kg6NU1Q"

#define JOSE_ES256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define JOSE_ES256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

#define JOSE_EDDSA                                                             \
	"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."            \
	"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"     \
	"hVsPt9g7sVvpAr_MuM0KAg"

#define JOSE_EDDSA_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

#define JOSE_HS256_JWK "{\"kty\":\"oct\",\"k\":\"" JOSE_HS256_K "\"}"
#define JOSE_RS256_JWK                                                         \
	"{\"kty\":\"RSA\",\"n\":\"" JOSE_RS256_N "\",\"e\":\"AQAB\"}"
#define JOSE_ES256_JWK                                                         \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" JOSE_ES256_X              \
	"\",\"y\":\"" JOSE_ES256_Y "\"}"
#define JOSE_EDDSA_JWK                                                         \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" JOSE_EDDSA_X "\"}"

#endif
